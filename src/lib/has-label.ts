/** Whether labels have one that is asked for as `NAME`, or as `NAME=VALUE`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const [name = ''] = wanted.split('=', 1);
  return name in labels && (name === wanted || labels[name] === wanted.slice(name.length + 1));
}

/** Whether a text is a VM's id, as `hyper vm` prints it. */
export function isVmId(text: string): boolean {
  return /^vm-[A-Za-z]{10}$/.test(text);
}

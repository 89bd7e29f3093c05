import description from '../../package.json' with { type: 'json' };

/** The version of this hyperd; bundlers put the file's content in its place. */
export const ownVersion: string = description.version;

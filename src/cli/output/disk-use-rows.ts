import type { DiskUse } from '../../contract/index.ts';
import { familiarName, parseReference } from '../../lib/image-reference.ts';
import { alignTabs } from './table.ts';
import { shortId, showAge, showBytes } from './units.ts';

const titles: Readonly<Record<DiskUse['type'], string>> = {
  images: 'Images',
  pods: 'Pods',
  volumes: 'Volumes',
  templates: 'Templates',
  caches: 'Caches',
};

/** A line of `system df`, in docker's words. */
export function diskUseRow({ type, total, active, sizeBytes, reclaimableBytes }: DiskUse) {
  const percent = sizeBytes === 0 ? '' : ` (${Math.floor((reclaimableBytes * 100) / sizeBytes)}%)`;
  return {
    ...{ Type: titles[type], TotalCount: String(total), Active: String(active), Size: showBytes(sizeBytes) },
    Reclaimable: `${showBytes(reclaimableBytes)}${percent}`,
  };
}

type Row = ReturnType<typeof diskUseRow>;

export const diskUseColumns = [
  { header: 'TYPE', align: 'left', width: 15, cell: (row: Row) => row.Type },
  { header: 'TOTAL', align: 'left', width: 10, cell: (row: Row) => row.TotalCount },
  { header: 'ACTIVE', align: 'left', width: 10, cell: (row: Row) => row.Active },
  { header: 'SIZE', align: 'left', width: 12, cell: (row: Row) => row.Size },
  { header: 'RECLAIMABLE', align: 'left', cell: (row: Row) => row.Reclaimable },
] as const;

/** Each thing in a table of its kind. @param now in ms since 1970 */
export function diskUseDetails(uses: readonly DiskUse[], now: number): string {
  return uses
    .map(({ type, items }) => {
      const shared = type === 'images';
      const head = ['NAME', 'ID', 'CREATED', 'SIZE', ...(shared ? ['SHARED SIZE'] : []), 'USED BY'];
      const rows = items.map(({ name, id, createdAt, sizeBytes, sharedBytes, usedBy, active }) => [
        ...[
          shared ? familiar(name) : name,
          id === '' ? '-' : type === 'pods' ? id : shortId(id),
          createdAt === null ? '-' : showAge(createdAt, now),
          showBytes(sizeBytes),
        ],
        ...(shared ? [showBytes(sharedBytes)] : []),
        usedBy.length > 0 ? usedBy.join(', ') : type === 'pods' && active ? 'its VM' : '-',
      ]);
      return `${titles[type]} space usage:\n\n${alignTabs([head, ...rows].map((row) => row.join('\t')))}`;
    })
    .join('\n\n');
}

const familiar = (name: string): string => (name === '<none>' ? name : familiarName(parseReference(name)));

/** What the supply counts. */
export interface SupplyMetrics {
  poolHit(): void;
  poolMiss(): void;
  templateMade(): void;
  templateFailed(): void;
}

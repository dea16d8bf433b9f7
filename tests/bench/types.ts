// One measured figure beside its peer's, both from the same run. ratio > 1 means better than the peer.
export interface BenchRow {
  name: string;
  value: number;
  unit: string;
  peer: string | null;
  peerValue: number | null;
  ratio: number | null;
}

/** Who is behind a request. */
export interface TrustCaller {
  readonly personId: string;
  readonly name: string;
  readonly address: string;
}

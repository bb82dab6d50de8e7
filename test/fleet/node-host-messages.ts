/** What the test and a process with many nodes say to each other. */

export interface NodeHostConfig {
  /** Of the controller, for nodes. */
  readonly url: string;
  readonly joinToken: string;
  /** Holds a folder for each node. */
  readonly folder: string;
  readonly hostNames: readonly string[];
  readonly seed: number;
  /** Part of the waits between two links that is waited: 1 is as in the product, less is for a small fleet. */
  readonly waits: number;
  /** Nodes on which the ban of an address goes wrong. */
  readonly failing: readonly { readonly address: string; readonly hostNames: readonly string[] }[];
}

export type ToNodeHost =
  /** Breaks the links of these nodes, by their place in the list. */
  | { readonly t: 'cut'; readonly nodes: readonly number[] }
  /** How long a change of a machine takes from now on, before and after it is made. */
  | { readonly t: 'slow'; readonly ms: number }
  /** One bare WebSocket for each node; each message is answered by one of `answerBytes`, the time of its coming first. */
  | { readonly t: 'bare'; readonly url: string; readonly answerBytes: number }
  | { readonly t: 'stop' };

export type FromNodeHost =
  /** Since this process was started: changes of machines, receipts that the controller has. */
  | { readonly t: 'counts'; readonly changed: number; readonly acked: number; readonly up: number }
  | { readonly t: 'enrolled' }
  | { readonly t: 'bare-ready' }
  | { readonly t: 'fatal'; readonly detail: string };

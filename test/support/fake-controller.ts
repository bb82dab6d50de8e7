import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { NodeId } from '@hauban/shared/protocol';
import type { Clock } from '@hauban/shared/time';
import {
  formatJoinToken,
  keyThumbprint,
  sha256Hex,
  signOrder,
  systemClock,
  systemRandom,
  type ControllerIdentity,
} from '@hauban/link';
import type { ActionOrder } from '@hauban/shared/protocol';
import { createGateway, type Gateway, type GatewayDeps } from '../../packages/controller/src/gateway/gateway.ts';
import type { GatewayPorts } from '../../packages/controller/src/gateway/ports.ts';
import {
  AUTHORITY_KID,
  createControllerState,
  createPorts,
  FRESH,
  nothingTold,
  type ControllerState,
  type Told,
} from './fake-services.ts';

export interface FakeControllerOptions {
  readonly clock?: Clock;
  /** Certificate and key (PEM): the controller ends TLS itself. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Replaces single ports. */
  readonly ports?: (ports: GatewayPorts) => Partial<GatewayPorts>;
  readonly gateway?: Partial<Pick<GatewayDeps, 'halfOpenLimits' | 'bindsTls' | 'liveMs'>>;
  /** Default: any free one. */
  readonly port?: number;
  /** Kept over a restart: pass what the one before had. */
  readonly state?: ControllerState;
}

/** The real gateway on a real server, with services that keep everything in memory. */
export class FakeController {
  readonly state: ControllerState;
  readonly told: Told;
  readonly gateway: Gateway;
  readonly url: string;
  readonly port: number;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #sockets = new Set<Socket>();

  private constructor(parts: {
    state: ControllerState;
    told: Told;
    gateway: Gateway;
    server: Server;
    clock: Clock;
    isTls: boolean;
  }) {
    this.state = parts.state;
    this.told = parts.told;
    this.gateway = parts.gateway;
    this.#server = parts.server;
    this.#clock = parts.clock;
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.port = (parts.server.address() as AddressInfo).port;
    this.url = `${parts.isTls ? 'wss' : 'ws'}://localhost:${this.port}/link`;
  }

  static async start(options: FakeControllerOptions = {}): Promise<FakeController> {
    const { clock = systemClock, state = createControllerState(), tls } = options;
    const told = nothingTold();
    const lock = (nodeId: NodeId): void => gateway.links.find(nodeId)?.close(4412, 'two copies');
    const ports = createPorts(state, told, clock, lock);
    const gateway: Gateway = createGateway({
      ports: { ...ports, ...options.ports?.(ports) },
      identity: state.identity,
      clock,
      random: systemRandom,
      log: { info: () => undefined, warn: () => undefined, error: (fields) => void told.faults.push(fields) },
      ...options.gateway,
    });
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    gateway.attach(server);
    server.listen(options.port ?? 0, 'localhost');
    await once(server, 'listening');
    return new FakeController({ state, told, gateway, server, clock, isTls: tls !== undefined });
  }

  get identity(): ControllerIdentity {
    return this.state.identity;
  }

  /** A node that the controller knows, as after an enrolment. */
  addNode(linkKey: string, receiptKey = ''): NodeId {
    const nodeId = randomUUID() as NodeId;
    this.state.nodes.set(nodeId, { linkKey, receiptKey, ...FRESH });
    return nodeId;
  }

  joinToken(options: { uses?: number; lifeMs?: number; hostName?: string } = {}): string {
    const tokenId = randomUUID();
    const secret = randomBytes(32).toString('base64url');
    this.state.tokens.set(tokenId, {
      secretHash: sha256Hex(secret),
      expiresAt: this.#clock.nowMs() + (options.lifeMs ?? 900_000),
      hostName: options.hostName ?? null,
      usesLeft: options.uses ?? 1,
      users: new Map(),
    });
    const thumbprint = keyThumbprint(this.identity.key.publicText) ?? '';
    return formatJoinToken({ tokenId, secret, thumbprint });
  }

  /** An order as the signer would sign it, kept as pending until its receipt comes. */
  async order(nodeId: string, change: Partial<ActionOrder> = {}): Promise<string> {
    const now = this.#clock.nowMs();
    const order: ActionOrder = {
      v: 1,
      id: randomUUID(),
      aud: nodeId,
      iss: this.identity.controllerId,
      iat: now,
      exp: now + 60_000,
      requester: { id: 'u1', name: 'Test', via: 'api' },
      reason: null,
      approvals: [],
      approved: null,
      kind: 'action',
      action: 'node.ping',
      actionVersion: 1,
      mode: 'apply',
      args: {},
      planHash: null,
      ...change,
    };
    const jws = await signOrder(order, this.state.authority, AUTHORITY_KID);
    this.state.pending.set(nodeId, [...(this.state.pending.get(nodeId) ?? []), jws]);
    return jws;
  }

  /** Breaks every connection as a pulled cable or a killed process does; goes on listening. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    await this.gateway.close();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The node's end of the bare relay: a program on a terminal, its output into a WebSocket, nothing else. */
import { spawn } from 'node-pty';
import { WebSocket } from 'ws';

const [url = '', ...command] = process.argv.slice(2);
const socket = new WebSocket(url, { perMessageDeflate: false });
socket.on('open', () => {
  const [program = '', ...args] = command;
  const pty = spawn(program, args, {
    cols: 80,
    rows: 24,
    encoding: null,
    env: { PATH: '/usr/bin:/bin', TERM: 'xterm' },
  });
  // Without an encoding it gives Buffers, whatever its type says.
  pty.onData((data) => socket.send(data));
  socket.on('message', (data: Buffer) => pty.write(data.toString('utf8')));
  socket.on('close', () => {
    pty.kill('SIGKILL');
    process.exit(0);
  });
});

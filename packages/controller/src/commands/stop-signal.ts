/** Fulfilled by the first SIGTERM or SIGINT; the second ends the process at once. */
export function stopSignal(): Promise<void> {
  return new Promise((done) => {
    let isAsked = false;
    const ask = (): void => {
      if (isAsked) process.exit(1);
      isAsked = true;
      done();
    };
    process.on('SIGTERM', ask);
    process.on('SIGINT', ask);
  });
}

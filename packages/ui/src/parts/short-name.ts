const SHORT_NAME = /^[a-z][a-z0-9-]{0,39}$/;

/** Is it a name as schedules, windows and webhooks have them? */
export const isShortName = (name: string): boolean => SHORT_NAME.test(name);

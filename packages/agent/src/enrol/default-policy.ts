/** The policy file of a node that has none: everything is refused until somebody on the node says otherwise. */
export const DEFAULT_POLICY = `# What this node lets its controller do. The executor on this node reads it before every order;
# nothing that comes over the link can widen it. Whatever is not allowed here is refused.
version = 1

# Actions, by name or by noun; limits on arguments are optional, and the whole value must fit.
# [[allow]]
# actions = ["apache.reload", "php.*"]
#
# [[allow]]
# actions = ["account.create"]
# args.name = { pattern = "w4a[0-9]{6}" }
#
# [[allow]]
# actions = ["firewall.*"]

[shell]
# Login names that a shell may be opened as, for example ["deploy"]. An empty list: no shells.
users = []

[firewall]
# Addresses and prefixes that are never banned, besides loopback, this node's own and its controller's.
never_ban = []
`;

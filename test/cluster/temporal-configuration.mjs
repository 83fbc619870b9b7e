/** Configuration of a Temporal server whose four services run in one process, on PostgreSQL. */
export function temporalConfiguration({ addresses, ports, password, dynamicConfig }) {
  const store = (databaseName, maxConns) => ({
    sql: {
      pluginName: 'postgres12',
      databaseName,
      connectAddr: `${addresses.postgres}:${ports.postgres}`,
      connectProtocol: 'tcp',
      user: 'temporal',
      password,
      maxConns,
      maxIdleConns: maxConns,
      maxConnLifetime: '1h',
    },
  });
  const service = (offset) => ({
    rpc: {
      grpcPort: ports.temporal + offset,
      membershipPort: ports.temporal - 300 + offset,
      bindOnIP: addresses.temporal,
    },
  });
  // JSON is YAML.
  return JSON.stringify({
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: 16,
      datastores: { default: store('temporal', 20), visibility: store('temporal_visibility', 4) },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: addresses.temporal } },
    services: { frontend: service(0), history: service(1), matching: service(2), worker: service(6) },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `${addresses.temporal}:${ports.temporal}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    publicClient: { hostPort: `${addresses.temporal}:${ports.temporal}` },
    dynamicConfigClient: { filepath: dynamicConfig, pollInterval: '10s' },
  });
}

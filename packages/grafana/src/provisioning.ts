import type { ResolvedGrafanaOptions } from './options.ts';

// Strings rather than objects, because people will edit these files and need the comments in them.

/** The newest releases as of November 2026. */
const images = {
  prometheus: 'prom/prometheus:v3.13.3',
  alertmanager: 'prom/alertmanager:v0.34.1',
  grafana: 'grafana/grafana:13.2.3',
} as const;

/** A compose file that starts all three, reachable only from this machine. */
export function composeFile(): string {
  return `# Prometheus, Alertmanager and Grafana with the dashboards and rules beside this file:
#
#   docker compose up -d      then http://localhost:3000 (admin, admin; it asks for a new password)
#
# Ports are open to this machine only. The versions are those that were current when this was written: raise them.
name: toolweaver-observability

services:
  prometheus:
    image: ${images.prometheus}
    command:
      - --config.file=/etc/prometheus/prometheus.yml
      - --storage.tsdb.path=/prometheus
      - --storage.tsdb.retention.time=30d
      - --web.enable-lifecycle
    volumes:
      # The folder: a file that is replaced, as editors do, would stay the old one in the container.
      - .:/etc/prometheus:ro
      - prometheus-data:/prometheus
    ports:
      - 127.0.0.1:9090:9090
    extra_hosts:
      # The machine that all of this runs on, under the name that Docker Desktop gives it.
      - host.docker.internal:host-gateway
    restart: unless-stopped

  alertmanager:
    image: ${images.alertmanager}
    command:
      - --config.file=/etc/alertmanager/alertmanager.yml
      - --storage.path=/alertmanager
      - --cluster.listen-address=
    volumes:
      - .:/etc/alertmanager:ro
      - alertmanager-data:/alertmanager
    ports:
      - 127.0.0.1:9093:9093
    restart: unless-stopped

  grafana:
    image: ${images.grafana}
    environment:
      GF_ANALYTICS_REPORTING_ENABLED: "false"
      GF_ANALYTICS_CHECK_FOR_UPDATES: "false"
      GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: "false"
      GF_NEWS_NEWS_FEED_ENABLED: "false"
      GF_PLUGINS_PREINSTALL_DISABLED: "true"
    volumes:
      - ./provisioning:/etc/grafana/provisioning:ro
      - ./dashboards:/var/lib/grafana/dashboards:ro
      - grafana-data:/var/lib/grafana
    ports:
      - 127.0.0.1:3000:3000
    depends_on:
      - prometheus
      - alertmanager
    restart: unless-stopped

volumes:
  prometheus-data:
  alertmanager-data:
  grafana-data:
`;
}

export function prometheusFile({ targets, namespace }: ResolvedGrafanaOptions): string {
  return `global:
  scrape_interval: 15s
  evaluation_interval: 15s

rule_files:
  - rules/*.yaml

alerting:
  alertmanagers:
    - static_configs:
        - targets: ['alertmanager:9093']

scrape_configs:
  # A program that uses the Prometheus backend listens on 127.0.0.1:8000. On Linux containers cannot reach that: give it
  # PROMETHEUS_HOST=172.17.0.1 (the address of this machine in Docker's network). Docker Desktop needs nothing.
  - job_name: '${namespace}'
    static_configs:
      - targets: [${targets.map((target) => `'${target}'`).join(', ')}]
`;
}

export function alertmanagerFile(): string {
  return `route:
  # Nobody is told yet: alerts are only listed at http://localhost:9093.
  receiver: nobody
  group_by: [alertname, job]
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
  # routes:
  #   - matchers: [severity="critical"]
  #     receiver: pager

receivers:
  - name: nobody
  # - name: pager
  #   webhook_configs:
  #     - url: https://pager.example.com/hook

inhibit_rules:
  # What fails too often need not be said to succeed too seldom.
  - source_matchers: [alertname=~".+FailureRatioHigh"]
    target_matchers: [alertname=~".+(SuccessRatioLow|ErrorSpike)"]
    equal: [job, kind, name, toolkit]
  # Nor that a budget that goes in days would also go in weeks.
  - source_matchers: [alertname=~".+ErrorBudgetBurn(1h|6h)"]
    target_matchers: [alertname=~".+ErrorBudgetBurn(1d|3d)"]
    equal: [job, kind]
`;
}

export function datasourcesFile(): string {
  return `apiVersion: 1

datasources:
  - name: Prometheus
    uid: prometheus
    type: prometheus
    access: proxy
    url: http://prometheus:9090
    isDefault: true
    jsonData:
      # As in prometheus.yml; Grafana makes its rate interval of it.
      timeInterval: 15s
      httpMethod: POST
      manageAlerts: true
  - name: Alertmanager
    uid: alertmanager
    type: alertmanager
    access: proxy
    url: http://alertmanager:9093
    jsonData:
      implementation: prometheus
`;
}

export function dashboardProviderFile(): string {
  return `apiVersion: 1

providers:
  - name: Toolweaver Analytics
    folder: Toolweaver Analytics
    type: file
    allowUiUpdates: false
    updateIntervalSeconds: 30
    options:
      path: /var/lib/grafana/dashboards
`;
}

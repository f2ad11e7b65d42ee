// What each pod of a load runs: the user's script, and at its end one line with what k6 counted.
import * as script from './script.js';

export * from './script.js';
export default script.default;

export function handleSummary(data) {
  const requests = data.metrics.http_reqs ? data.metrics.http_reqs.values.count : 0;
  const types = Object.fromEntries(Object.entries(data.metrics).map(([name, metric]) => [name, metric.type]));
  const lasted_s = data.state.testRunDurationMs / 1000;
  return { stdout: `\nblackstart ${JSON.stringify({ requests, types, lasted_s })}\n` };
}

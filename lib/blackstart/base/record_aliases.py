"""The names that plain classes had in records before they had tags: their modules of November 2026. Closed for ever.

Records of that time name `blackstart.<module>:<Class>`. Where those modules are by now does not matter, and nothing
here is to be changed when one moves.
"""

# Module, without its `blackstart.`, then its classes, each with its tag.
_OLD = """
controls: State=state controls.docker: Docker=control.docker controls.manual: Manual=control.manual controls.process:
Process=control.process controls.supervisor: Supervisor=control.supervisor controls.systemd: Systemd=control.systemd
expect: Condition=condition Expectation=expectation
faults._netfilter: Rule=fault.rule faults._proxied: Toxic=fault.toxic faults.bandwidth: Bandwidth=fault.bandwidth
faults.bounce: Bounce=fault.bounce faults.crash: Crash=fault.crash faults.cut: Cut=fault.cut faults.drop:
Drop=fault.drop faults.flap: Flap=fault.flap faults.kill: Kill=fault.kill faults.latency: Latency=fault.latency
faults.netem: Netem=fault.netem faults.pause: Pause=fault.pause faults.pause_one: PauseOne=fault.pause_one
faults.reject: Reject=fault.reject faults.reset: Reset=fault.reset faults.slow_close: SlowClose=fault.slow_close
faults.stop: Stop=fault.stop faults.tbf: Tbf=fault.tbf
loads.burst: Burst=load.burst loads.commands: Commands=load.commands loads.k6: K6=load.k6 loads.open_loop:
OpenLoop=load.open_loop loads.operation: Operation=load.operation Retry=load.retry loads.stages: Stage=load.stage
model: Command=step.command HttpCall=step.http_call Ask=step.ask Change=change Check=check Traffic=traffic
LogRow=log_row Experiment=experiment
probes.clients: ListedClients=endpoint.clients TargetConnections=probe.target_connections probes.command_state:
CommandState=probe.command_state CommandRun=endpoint.command probes.control_state: ControlState=probe.control_state
ControlEndpoint=endpoint.control probes.fleet: Fleet=probe.fleet FleetEndpoint=endpoint.fleet probes.http:
HttpGet=endpoint.http_get HttpStatus=probe.http_status HttpJson=probe.http_json HttpText=probe.http_text
probes.http_column: HttpColumn=probe.http_column probes.in_container: Output=endpoint.command_output
RedisInContainer=probe.redis_in_container SqlInContainer=probe.sql_in_container probes.load_outcome:
LoadOutcome=probe.load_outcome HistoryTail=endpoint.load_history probes.log_lines: LogFollow=endpoint.log
LogMatches=probe.log_matches probes.metric_share: MetricShare=probe.metric_share probes.metrics: Metric=probe.metric
MetricLabel=probe.metric_label probes.postgres_ping: PostgresPinged=endpoint.postgres_ping
PostgresPing=probe.postgres_ping probes.promql: PromQuery=endpoint.promql PromQL=probe.promql probes.proxy_state:
ToxicState=probe.toxic_state ProxyState=probe.proxy_state ProxyAsked=endpoint.proxy WireState=probe.wire_state
WireAsked=endpoint.wire_state probes.redis_ping: RedisPinged=endpoint.redis_ping RedisPing=probe.redis_ping
probes.redis_value: RedisAsked=endpoint.redis_command RedisCommand=probe.redis_command probes.sql: SqlQuery=endpoint.sql
SqlScalar=probe.sql_scalar SqlRows=probe.sql_rows probes.tcp: TcpConnect=endpoint.tcp Tcp=probe.tcp probes.unstated:
UndeclaredFact=probe.unstated probes.wire: RoundTrip=probe.round_trip Timed=endpoint.round_trip
Throughput=probe.throughput Echo=endpoint.throughput CloseTime=probe.close_time Farewell=endpoint.close_time
Comings=probe.comings Knocking=endpoint.comings
safety.alive: Process=process safety.link: SameValue=link.same_value SeenIn=link.seen_in Listens=link.listens
safety.place: Place=place
systems.gateway: VisitorGet=endpoint.visit Visit=probe.visit systems.limiter_link: LimiterCounts=link.limiter_counts
systems.links: AllOf=link.all_of ServedByControl=link.served_by_control KeysInDatabase=link.keys_in_database
systems.trader: ModeShown=probe.mode_shown
"""
TAGS: dict[str, str] = {}
for _word in _OLD.split():
    if _word.endswith(":"):
        _module = _word
    else:
        _class, _, _tag = _word.partition("=")
        TAGS[f"blackstart.{_module}{_class}"] = _tag

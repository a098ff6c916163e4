#include <algorithm>
#include <cstdlib>

#include "agent/config/config.h"
#include "agent/config/listen_address.h"
#include "agent/config/table_internal.h"

namespace medic::config_table {
namespace {

constexpr double second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;

constexpr Key keys[] = {
    {"", "schema", Type::integer, "", true, 1, 1, "", "Version of this file's format: 1."},
    {"", "scope", Type::choice, "cluster", false, 0, 0, "cluster|node",
     "cluster: watches, diagnoses, and acts where a policy lets it. node: a sidecar that only looks at nodes of its "
     "own "
     "host and handles them when an agent of scope cluster asks; it takes `data_dir`, `api`, `intervals.process` and "
     "`clusters.NAME.nodes`, and nothing else."},
    {"", "data_dir", Type::path, "", true, 0, 0, "",
     "Folder for the journal, snapshots and the PAUSE file; made when it does not exist."},
    {"", "api", Type::section, "", false, 0, 0, "", "The agent's own HTTP server."},
    {"", "intervals", Type::section, "", false, 0, 0, "",
     "How often is looked. The watched systems pay for each look."},
    {"", "limits", Type::section, "", false, 0, 0, "",
     "What one cluster may take of the agent's memory, so that none crowds out another."},
    {"", "journal", Type::section, "", false, 0, 0, "", "The record of incidents and of what was done."},
    {"", "lease", Type::section, "", false, 0, 0, "",
     "For several agents that watch the same clusters: of them, one acts. Without it, this agent is the only one."},
    {"", "clusters", Type::named, "", true, 0, 0, "", "What to watch: one entry for each cluster, by name."},
    {"", "notify", Type::sections, "", false, 0, 0, "", "Who is told of incidents."},

    {"api", "listen", Type::listen_address, "127.0.0.1:9469", false, 0, 0, "",
     "Address, as 127.0.0.1:9469, [::1]:9469 or localhost:9469; loopback unless you say otherwise. Port 0: any free "
     "one, printed at start."},
    {"api", "token_file", Type::path, "", false, 0, 0, "",
     "Lines `NAME TOKEN`: who may approve, pause and send alerts. Without it nothing can be changed over HTTP. "
     "Required with `scope: node`, where it is who may look and act."},
    {"api", "external_url", Type::url, "", false, 0, 0, "",
     "Where people reach this server, for links in messages; without it, http://LISTEN."},

    {"intervals", "flink", Type::duration, "1s", false, 200, 5 * minute, "",
     "Flink REST. With more than 20 Flink addresses, 5s unless given; the same goes for connect and kafka."},
    {"intervals", "connect", Type::duration, "1s", false, 200, 5 * minute, "", "Connect REST."},
    {"intervals", "kafka", Type::duration, "2s", false, 200, 5 * minute, "",
     "Kafka metadata, groups, offsets and log dirs."},
    {"intervals", "process", Type::duration, "1s", false, 200, 5 * minute, "", "Processes of nodes on this host."},
    {"intervals", "logs", Type::duration, "2s", false, 200, 5 * minute, "", "Log files and the journal."},
    {"intervals", "flink_logs", Type::duration, "30s", false, 5'000, hour, "",
     "Flink's logs over REST: whether a job is in trouble, and then the ends of their logs."},
    {"intervals", "evaluate", Type::duration, "1s", false, 200, 5 * minute, "", "Rules, analyzers and diagnosis."},
    {"intervals", "planned_grace", Type::duration, "5m", false, 10'000, hour, "",
     "How long a node that was stopped in good order may stay away before that is an incident."},

    {"limits", "series_per_cluster", Type::integer, "100000", false, 1'000, 500'000, "",
     "Series kept of one cluster; what is over it is not kept, and its target says so."},
    {"limits", "events_per_cluster", Type::integer, "5000", false, 100, 20'000, "",
     "Events kept of one cluster: log lines go first, exceptions last."},

    {"journal", "retention", Type::duration, "90d", false, 2 * day, 3650 * day, "",
     "Ended incidents, and all that belongs to them, are forgotten so long after their end. Open ones never are."},

    {"lease", "kind", Type::choice, "", true, 0, 0, "file|etcd",
     "file: an SQLite file, for agents on one host. etcd: for agents on several hosts."},
    {"lease", "name", Type::text, "", false, 0, 0, "",
     "What this agent is called; unique among them. Without it, host name and data folder."},
    {"lease", "ttl", Type::duration, "90s", false, 15 * second, 10 * minute, "",
     "How long a dead agent keeps the others waiting. A request is only sent while more of it is left than the request "
     "may take: starting a deployment takes up to a minute."},
    {"lease", "path", Type::path, "", false, 0, 0, "", "file: where it stands, on a local disk."},
    {"lease", "urls", Type::texts, "", false, 0, 0, "", "etcd: its client addresses, http://host:2379."},
    {"lease", "username", Type::text, "", false, 0, 0, "", "etcd: who logs in."},
    {"lease", "password_file", Type::path, "", false, 0, 0, "", "etcd: with which password."},
    {"lease", "ca_file", Type::path, "", false, 0, 0, "",
     "etcd: whose certificates are trusted; without it, those that the system trusts."},

    {"clusters.NAME", "kafka", Type::section, "", false, 0, 0, "", "A Kafka cluster."},
    {"clusters.NAME", "connect", Type::section, "", false, 0, 0, "", "A Kafka Connect cluster."},
    {"clusters.NAME", "flink", Type::sections, "", false, 0, 0, "",
     "Flink clusters, session and application mode alike."},
    {"clusters.NAME", "metrics", Type::sections, "", false, 0, 0, "", "Prometheus pages to scrape."},
    {"clusters.NAME", "prometheus", Type::section, "", false, 0, 0, "",
     "A Prometheus server to ask instead of scraping."},
    {"clusters.NAME", "alertmanager", Type::section, "", false, 0, 0, "",
     "An Alertmanager whose silences and inhibitions hold back actions; while it can't be read, nothing acts there."},
    {"clusters.NAME", "nodes", Type::sections, "", false, 0, 0, "",
     "Processes that make up the cluster, and how each is handled."},
    {"clusters.NAME", "deployments", Type::sections, "", false, 0, 0, "",
     "Flink jobs that may be started again, and their versions."},
    {"clusters.NAME", "logs", Type::sections, "", false, 0, 0, "",
     "Logs on this host: errors and stack traces become events."},
    {"clusters.NAME", "owners", Type::named, "", false, 0, 0, "",
     "Who answers for what: `\"job:fraud-*\": team-fraud`. For a platform: `\"owner:kafka platform\": team-kafka`."},
    {"clusters.NAME", "drills", Type::choice, "refused", false, 0, 0, "refused|allowed",
     "allowed: `medic drill --config` may make faults here, to practise. For staging; the agent itself never does."},
    {"clusters.NAME", "managed_by", Type::named, "", false, 0, 0, "",
     "What another system defines: `\"job:fraud-*\": flink-operator`, `\"topic:*\": terraform`, or one name for the "
     "whole cluster. Its definition (configuration, version, parallelism, placement, retention) is then never changed, "
     "only proposed to a person; strimzi, flink-operator and terraform get it in their own terms. The first that fits "
     "decides; `nobody` makes an exception. KIND is job, topic, broker, connector, node, client or user."},
    {"clusters.NAME.managed_by.OBJECT", "by", Type::text, "", true, 0, 0, "", "The system's name."},
    {"clusters.NAME.managed_by.OBJECT", "restarts", Type::boolean, "false", false, 0, 0, "",
     "It restarts and replaces, too: that is left to it as well."},

    {"clusters.NAME.kafka", "bootstrap", Type::texts, "", true, 0, 0, "", "Brokers to begin with: host:port."},
    {"clusters.NAME.kafka", "cluster_id", Type::text, "", false, 0, 0, "",
     "The cluster's own id; a broker that names another one is not believed. Without it the first answer decides."},
    {"clusters.NAME.kafka", "tls", Type::section, "", false, 0, 0, "", "Speak TLS; `{}` with the system's trust."},
    {"clusters.NAME.kafka", "sasl", Type::section, "", false, 0, 0, "", "Log in."},
    {"clusters.NAME.kafka.sasl", "mechanism", Type::choice, "", true, 0, 0,
     "PLAIN|SCRAM-SHA-256|SCRAM-SHA-512|OAUTHBEARER",
     "SASL mechanism. PLAIN sends the password readable, OAUTHBEARER the token: with `tls` only."},
    {"clusters.NAME.kafka.sasl", "username", Type::text, "", false, 0, 0, "",
     "User; of OAUTHBEARER the token says who it is."},
    {"clusters.NAME.kafka.sasl", "password_file", Type::path, "", false, 0, 0, "",
     "File whose first line is the password. One of the three is needed, but for OAUTHBEARER."},
    {"clusters.NAME.kafka.sasl", "password_env", Type::text, "", false, 0, 0, "",
     "Variable of the agent's environment that holds it."},
    {"clusters.NAME.kafka.sasl", "password_command", Type::texts, "", false, 0, 0, "",
     "Program that prints it. Read anew at every login, like the file."},
    {"clusters.NAME.kafka.sasl", "token_file", Type::path, "", false, 0, 0, "",
     "OAUTHBEARER: file whose first line is the token. One of the three is needed."},
    {"clusters.NAME.kafka.sasl", "token_env", Type::text, "", false, 0, 0, "",
     "Variable of the agent's environment that holds it."},
    {"clusters.NAME.kafka.sasl", "token_command", Type::texts, "", false, 0, 0, "",
     "Program that fetches and prints it. Run anew at every login, which is before the session's end."},
    {"clusters.NAME.kafka.sasl", "extensions", Type::named, "", false, 0, 0, "",
     "OAUTHBEARER: what some services want to be told with the token: `{logicalCluster: lkc-1}`."},

    {"tls", "ca", Type::path, "", false, 0, 0, "", "Certificates to trust (PEM); the system's without it."},
    {"tls", "certificate", Type::path, "", false, 0, 0, "", "The agent's own certificate (PEM)."},
    {"tls", "key", Type::path, "", false, 0, 0, "", "Its key (PEM, without a passphrase)."},
    {"tls", "check_hostname", Type::boolean, "true", false, 0, 0, "",
     "Whether the certificate must name the host that is connected to."},
    {"auth", "username", Type::text, "", false, 0, 0, "", "Basic authentication: user."},
    {"auth", "password_file", Type::path, "", false, 0, 0, "",
     "Its password: the file's first line. Read again when it is older than a minute or refused."},
    {"auth", "password_env", Type::text, "", false, 0, 0, "", "Or a variable of the agent's environment."},
    {"auth", "password_command", Type::texts, "", false, 0, 0, "", "Or a program that prints it."},
    {"auth", "bearer_file", Type::path, "", false, 0, 0, "", "Bearer token: the file's first line."},
    {"auth", "bearer_env", Type::text, "", false, 0, 0, "", "Or a variable of the agent's environment."},
    {"auth", "bearer_command", Type::texts, "", false, 0, 0, "", "Or a program that prints it."},

    {"clusters.NAME.connect", "urls", Type::texts, "", true, 0, 0, "",
     "REST addresses of the workers: http://host:port."},
    {"clusters.NAME.connect", "longest_call", Type::duration, "60s", false, 1'000, hour, "",
     "So long may a connector take for one batch before its task counts as hung. Less finds a hung task sooner, and "
     "ends one that only takes its time; a page of its worker every few seconds (`metrics[].interval`) goes with it."},
    {"clusters.NAME.connect", "dead_letters", Type::text, "", false, 0, 0, "",
     "Topic for records that a sink can't convert, where {connector} is its name: connect.set-aside-bad-records may "
     "set "
     "it up as the connector's dead letter queue. Without it no queue is set up."},
    {"clusters.NAME.connect", "auth", Type::section, "", false, 0, 0, "", "How to log in, at every worker."},
    {"clusters.NAME.connect", "tls", Type::section, "", false, 0, 0, "", "Whom to trust at https:// addresses."},
    {"clusters.NAME.flink[]", "url", Type::url, "", true, 0, 0, "", "REST address of the job manager."},
    {"clusters.NAME.flink[]", "logs", Type::choice, "auto", false, 0, 0, "auto|never",
     "Whether logs are read over REST: when a job is in trouble, unless `logs` names Flink's files."},
    {"clusters.NAME.flink[]", "auth", Type::section, "", false, 0, 0, "", "How to log in."},
    {"clusters.NAME.flink[]", "tls", Type::section, "", false, 0, 0, "", "Whom to trust at an https:// address."},

    {"clusters.NAME.metrics[]", "url", Type::url, "", true, 0, 0, "", "The page."},
    {"clusters.NAME.metrics[]", "kind", Type::choice, "", true, 0, 0,
     "kafka-broker|connect-worker|flink-jobmanager|flink-taskmanager|host", "Whose page it is."},
    {"clusters.NAME.metrics[]", "node", Type::text, "", false, 0, 0, "", "The node it speaks for, as under nodes."},
    {"clusters.NAME.metrics[]", "interval", Type::duration, "60s", false, 200, hour, "",
     "How often; then always so. Unless it is given, a page that is answered quickly is read sooner: as often as its "
     "answers take 1 % of the time, each 10 s at most, and no more than two pages a second of all. One full JMX page "
     "costs a broker 160–450 ms of CPU."},
    {"clusters.NAME.metrics[]", "auth", Type::section, "", false, 0, 0, "", "How to log in."},
    {"clusters.NAME.metrics[]", "tls", Type::section, "", false, 0, 0, "", "Whom to trust at an https:// address."},

    {"clusters.NAME.logs[]", "path", Type::path, "", false, 0, 0, "", "Files, by a glob: /opt/flink/log/*.log"},
    {"clusters.NAME.logs[]", "unit", Type::text, "", false, 0, 0, "", "A systemd unit, instead of files."},
    {"clusters.NAME.logs[]", "node", Type::text, "", false, 0, 0, "", "The node that writes them, as under nodes."},
    {"clusters.NAME.logs[]", "component", Type::choice, "", true, 0, 0, "flink|kafka|connect", "What writes them."},

    {"clusters.NAME.prometheus", "url", Type::url, "", true, 0, 0, "", "Address of the Prometheus server."},
    {"clusters.NAME.prometheus", "match", Type::selector, "", true, 0, 0, "",
     "Selector of this cluster's series: '{cluster=\"x\"}'."},
    {"clusters.NAME.prometheus", "auth", Type::section, "", false, 0, 0, "", "How to log in."},
    {"clusters.NAME.prometheus", "tls", Type::section, "", false, 0, 0, "", "Whom to trust at an https:// address."},

    {"clusters.NAME.alertmanager", "url", Type::url, "", true, 0, 0, "", "Its base address, as under notify."},
    {"clusters.NAME.alertmanager", "auth", Type::section, "", false, 0, 0, "", "How to log in."},
    {"clusters.NAME.alertmanager", "tls", Type::section, "", false, 0, 0, "", "Whom to trust at an https:// address."},

    {"clusters.NAME.nodes[]", "name", Type::text, "", true, 0, 0, "", "Unique within the cluster."},
    {"clusters.NAME.nodes[]", "role", Type::choice, "", true, 0, 0,
     "broker|controller|connect-worker|jobmanager|taskmanager", "What runs there."},
    {"clusters.NAME.nodes[]", "spare", Type::boolean, "false", false, 0, 0, "", "Kept ready to replace another."},
    {"clusters.NAME.nodes[]", "zone", Type::text, "", false, 0, 0, "", "Failure domain."},
    {"clusters.NAME.nodes[]", "disks", Type::texts, "", false, 0, 0, "",
     "Folders of its data on local file systems, of which size, room and writability are watched: at most 16 absolute "
     "paths."},
    {"clusters.NAME.nodes[]", "driver", Type::section, "", false, 0, 0, "",
     "How its process is looked at and handled; without it, it is only watched from afar."},
    {"clusters.NAME.nodes[].driver", "kind", Type::choice, "", true, 0, 0, "command|systemd|agent",
     "Own commands, a systemd unit on this host, or a sidecar (`scope: node`) on the node's own host."},
    {"clusters.NAME.nodes[].driver", "unit", Type::text, "", false, 0, 0, "", "systemd: the unit."},
    {"clusters.NAME.nodes[].driver", "status", Type::texts, "", false, 0, 0, "",
     "Prints JSON: {\"pid\": N, \"start_time\": unix seconds, \"state\": \"running|stopped|…\"}. Read only."},
    {"clusters.NAME.nodes[].driver", "start", Type::texts, "", false, 0, 0, "",
     "Starts the process, or activates a spare."},
    {"clusters.NAME.nodes[].driver", "start_spare", Type::texts, "", false, 0, 0, "", "Starts it as a spare."},
    {"clusters.NAME.nodes[].driver", "stop", Type::texts, "", false, 0, 0, "", "Stops it in good order."},
    {"clusters.NAME.nodes[].driver", "kill", Type::texts, "", false, 0, 0, "",
     "SIGKILL; must work on a frozen process."},
    {"clusters.NAME.nodes[].driver", "kill_task", Type::texts, "", false, 0, 0, "",
     "Kills the process of one connector task: {connector} {task}."},
    {"clusters.NAME.nodes[].driver", "grow", Type::texts, "", false, 0, 0, "",
     "Gives a log directory more room: {log_dir} {bytes}."},
    {"clusters.NAME.nodes[].driver", "threads", Type::texts, "", false, 0, 0, "",
     "With `scope: node`: prints a thread dump of {pid}, for whoever asks: [jcmd, \"{pid}\", Thread.print]."},
    {"clusters.NAME.nodes[].driver", "url", Type::url, "", false, 0, 0, "", "agent: the sidecar's address."},
    {"clusters.NAME.nodes[].driver", "token_file", Type::path, "", false, 0, 0, "",
     "agent: file whose first line is a token that the sidecar knows. Or `auth`."},
    {"clusters.NAME.nodes[].driver", "auth", Type::section, "", false, 0, 0, "",
     "agent: the token from elsewhere (`bearer_…`)."},
    {"clusters.NAME.nodes[].driver", "tls", Type::section, "", false, 0, 0, "",
     "agent: whom to trust at an https:// address."},
    {"clusters.NAME.nodes[].driver", "actions", Type::texts, "", false, 0, 0, "",
     "agent: what the sidecar may be asked to do: start, start_spare, stop, kill, kill_task, grow. Nothing without "
     "it."},
    {"clusters.NAME.nodes[].driver", "timeout", Type::duration, "10s", false, 100, hour, "",
     "command, systemd: a command that takes longer is killed; of one that acts, the outcome is then unknown. Given, "
     "it "
     "counts for every command, and is at most 1m: one that acts must end within the agent's lease. Unless given, 10s "
     "for `status` and `threads`, 1m for the others. agent: a look that takes longer has failed; 3s unless given."},

    {"clusters.NAME.deployments[]", "job", Type::text, "", true, 0, 0, "", "The job's name in Flink."},
    {"clusters.NAME.deployments[]", "driver", Type::section, "", true, 0, 0, "", "How it is started."},
    {"clusters.NAME.deployments[]", "savepoints", Type::path, "", false, 0, 0, "",
     "Folder for savepoints, as the task managers see it."},
    {"clusters.NAME.deployments[]", "parallelism_max", Type::integer, "0", false, 0, 32'768, "",
     "Never scaled beyond this; 0: the slots that are free. To be set where task managers come on demand."},
    {"clusters.NAME.deployments[]", "gate", Type::section, "", false, 0, 0, "",
     "What a version must show after `medic deploy` has put it in another one's place; it is taken back if it does "
     "not."},
    {"clusters.NAME.deployments[]", "versions", Type::sections, "", true, 0, 0, "", "Oldest first."},
    {"clusters.NAME.deployments[].gate", "hold", Type::duration, "60s", false, second, hour, "",
     "So long it must run and get on without a break."},
    {"clusters.NAME.deployments[].gate", "within", Type::duration, "5m", false, 5 * second, hour, "",
     "By when it must begin to: restoring a large state takes minutes."},
    {"clusters.NAME.deployments[].gate", "group", Type::text, "", false, 0, 0, "",
     "Consumer group of its source; its lag counts. Without it, lag is not looked at."},
    {"clusters.NAME.deployments[].gate", "lag_max", Type::integer, "0", false, 0, 1e12, "",
     "Records that the group may lie behind, or as many as before, where those were more."},
    {"clusters.NAME.deployments[].driver", "kind", Type::choice, "", true, 0, 0, "session-rest|command",
     "Flink's /jars API, or own commands."},
    {"clusters.NAME.deployments[].driver", "url", Type::url, "", false, 0, 0, "",
     "session-rest: the Flink, where the cluster has several."},
    {"clusters.NAME.deployments[].driver", "start", Type::texts, "", false, 0, 0, "",
     "command: {version} {artifact} {entry} {restore_from} {parallelism} {fencing_token}. It should end with an error "
     "where the job runs already, as session-rest does: somebody may just have started it. With several agents, a "
     "start that takes {fencing_token} and refuses one below the highest that it has seen needs no person's "
     "agreement."},
    {"clusters.NAME.deployments[].driver", "verify", Type::texts, "", false, 0, 0, "",
     "command: whether a version would start and take the state of the job that runs: {version} {artifact} {entry} "
     "{parallelism} {job_id}. Read only. Exit code 0: it would; what it prints is told, a line for each thing that it "
     "looked at."},
    {"clusters.NAME.deployments[].driver", "timeout", Type::duration, "60s", false, 100, minute, "",
     "A start or verification that takes longer is given up: a command is killed, a request to Flink ends. The outcome "
     "of a start is then unknown. Not longer: it must end within the agent's lease. Jobs are stopped over Flink's REST "
     "API, whatever the driver."},
    {"clusters.NAME.deployments[].versions[]", "id", Type::text, "", true, 0, 0, "", "Name of the version."},
    {"clusters.NAME.deployments[].versions[]", "artifact", Type::path, "", true, 0, 0, "", "The file to upload."},
    {"clusters.NAME.deployments[].versions[]", "entry", Type::text, "", false, 0, 0, "", "Entry class."},
    {"clusters.NAME.deployments[].versions[]", "args", Type::texts, "", false, 0, 0, "", "Program arguments."},
    {"clusters.NAME.deployments[].versions[]", "parallelism", Type::integer, "0", false, 0, 32'768, "",
     "0: as the cluster says."},
    {"clusters.NAME.deployments[].versions[]", "topics", Type::texts, "", false, 0, 0, "",
     "Topics that it reads and writes: they must exist before it is deployed."},

    {"notify[]", "kind", Type::choice, "", true, 0, 0, "webhook|command|alertmanager", "How."},
    {"notify[]", "name", Type::text, "", false, 0, 0, "",
     "Own name: what was told is remembered under it. Without it, kind and position."},
    {"notify[]", "url", Type::url, "", false, 0, 0, "", "webhook: where to POST; alertmanager: its base address."},
    {"notify[]", "url_file", Type::path, "", false, 0, 0, "",
     "File whose first line is the URL, where it is a secret."},
    {"notify[]", "token_file", Type::path, "", false, 0, 0, "", "File whose first line is a bearer token."},
    {"notify[]", "username", Type::text, "", false, 0, 0, "", "Basic authentication: user."},
    {"notify[]", "password_file", Type::path, "", false, 0, 0, "", "File whose first line is the user's password."},
    {"notify[]", "auth", Type::section, "", false, 0, 0, "",
     "How to log in, as at a watched endpoint; instead of the three above."},
    {"notify[]", "tls", Type::section, "", false, 0, 0, "", "Whom to trust at an https:// address."},
    {"notify[]", "command", Type::texts, "", false, 0, 0, "",
     "command: argument list; the message comes on standard input. {title} {incident} {event} {owner} are filled in."},
    {"notify[]", "for", Type::text, "*", false, 0, 0, "",
     "Only incidents of owners that match. News of the agent itself goes to receivers for `*`."},
    {"notify[]", "format", Type::choice, "json", false, 0, 0, "json|text", "webhook, command: what is sent."},
    {"notify[]", "send", Type::choice, "incidents", false, 0, 0, "incidents|heartbeat",
     "heartbeat: only a sign of life, for a dead man's switch; it stops when the agent is not well."},
    {"notify[]", "every", Type::duration, "1m", false, second, hour, "", "heartbeat: how often."},
    {"notify[]", "per_minute", Type::integer, "30", false, 1, 600, "", "Messages; more wait and are folded."},
    {"notify[]", "fold_from", Type::integer, "5", false, 2, 1000, "",
     "So many pieces of news at once come as one digest. An Alertmanager groups them itself."},

    {"--access FILE", "kafka", Type::section, "", false, 0, 0, "",
     "A file of its own, for addresses given to `medic discover`, `doctor` and `diagnose` on the command line."},
    {"--access FILE", "connect", Type::section, "", false, 0, 0, "", "For every --connect address."},
    {"--access FILE", "flink", Type::section, "", false, 0, 0, "", "For every --flink address."},
    {"--access FILE", "prometheus", Type::section, "", false, 0, 0, "", "For the --prometheus address."},
    {"--access FILE: kafka", "tls", Type::section, "", false, 0, 0, "", "Speak TLS; `{}` with the system's trust."},
    {"--access FILE: kafka", "sasl", Type::section, "", false, 0, 0, "", "Log in: as `clusters.NAME.kafka.sasl`."},
    {"--access FILE: connect, flink, prometheus", "auth", Type::section, "", false, 0, 0, "", "How to log in."},
    {"--access FILE: connect, flink, prometheus", "tls", Type::section, "", false, 0, 0, "",
     "Whom to trust at https:// addresses."},
};

constexpr std::string_view type_name(Type type) {
    switch (type) {
        case Type::text: return "text";
        case Type::path: return "path";
        case Type::url: return "http(s) URL";
        case Type::listen_address: return "IP:port";
        case Type::integer: return "integer";
        case Type::duration: return "duration (500ms, 15s, 1h30m)";
        case Type::boolean: return "true or false";
        case Type::texts: return "list of texts";
        case Type::choice: return "one of";
        case Type::selector: return "PromQL selector";
        case Type::section: return "map";
        case Type::sections: return "list of maps";
        case Type::named: return "map with own names";
    }
    return "";
}

bool is_url(std::string_view text) {
    for (const std::string_view scheme : {"http://", "https://"})
        if (text.starts_with(scheme) && text.size() > scheme.size() && text[scheme.size()] != '/') return true;
    return false;
}

std::string range_text(const Key& key) {
    if (key.type == Type::duration)
        return format_duration(Duration(static_cast<std::int64_t>(key.min))) + " to " +
               format_duration(Duration(static_cast<std::int64_t>(key.max)));
    return std::to_string(static_cast<std::int64_t>(key.min)) + " to " +
           std::to_string(static_cast<std::int64_t>(key.max));
}

bool is_choice(std::string_view choices, std::string_view value) {
    for (std::size_t from = 0; from <= choices.size();) {
        const auto bar = std::min(choices.find('|', from), choices.size());
        if (choices.substr(from, bar - from) == value) return true;
        from = bar + 1;
    }
    return false;
}

}  // namespace

std::span<const Key> all() { return keys; }

Section::Section(YamlNode node, std::string_view section, Status& status)
    : node_(std::move(node)), section_(section), status_(status) {
    if (!status_) return;
    if (!node_.is_map()) {
        refuse(node_, section_.empty() ? "expected a map" : std::string(section_) + ": expected a map");
        return;
    }
    std::vector<std::string_view> known;
    for (const Key& key : keys)
        if (key.section == section_) known.push_back(key.name);
    for (const auto& [name, value] : node_.entries()) {
        if (std::ranges::find(known, name) != known.end()) continue;
        const auto near = nearest(name, known);
        std::string message = "unknown key `" + name + "`";
        message += near.empty() ? std::string("; known here:") : "; did you mean `" + std::string(near) + "`?";
        if (near.empty())
            for (const auto& one : known) message += " " + std::string(one);
        refuse(node_.key_node(name), message);
        return;
    }
    for (const Key& key : keys)
        if (key.section == section_ && key.required && !node_.get(key.name))
            refuse(node_, "key `" + std::string(key.name) + "` is missing: " + std::string(key.meaning));
}

void Section::refuse(const YamlNode& at, std::string_view message) {
    if (status_) status_ = at.error(message);
}

bool Section::has(std::string_view name) const { return static_cast<bool>(node_.get(name)); }
YamlNode Section::node(std::string_view name) const { return node_.get(name); }

const Key& Section::key(std::string_view name) const {
    const auto found =
        std::ranges::find_if(keys, [&](const Key& k) { return k.section == section_ && k.name == name; });
    return found != std::end(keys) ? *found : keys[0];
}

template <class T>
T Section::take(Result<T> value, T fallback) {
    if (value) return *std::move(value);
    if (status_) status_ = std::unexpected(value.error());
    return fallback;
}

std::string Section::text(std::string_view name) {
    const Key& known = key(name);
    if (!has(name)) return std::string(known.fallback);
    std::string value = take(node_.get(name).as_string(), std::string());
    const auto expected = [&](std::string_view what) {
        refuse(node_.get(name), std::string(name) + ": expected " + std::string(what) + ", got `" + value + "`");
    };
    if (!status_) return value;
    if (value.empty())
        expected("a text that is not empty");
    else if (known.type == Type::choice && !is_choice(known.choices, value))
        expected("one of " + std::string(known.choices));
    else if (known.type == Type::url && !is_url(value))
        expected("http://host:port or https://…");
    else if (known.type == Type::listen_address && !parse_listen_address(value))
        expected("an IP address and a port, as 127.0.0.1:9469, [::1]:9469 or localhost:9469");
    if (known.type == Type::url)
        while (value.ends_with('/')) value.pop_back();
    return value;
}

std::int64_t Section::integer(std::string_view name) {
    const Key& known = key(name);
    if (!has(name)) return std::atoll(std::string(known.fallback).c_str());
    const auto value = take(node_.get(name).as_int(), std::int64_t{0});
    if (known.max > 0 && status_ && (static_cast<double>(value) < known.min || static_cast<double>(value) > known.max))
        refuse(node_.get(name),
               std::string(name) + ": expected " + range_text(known) + ", got " + std::to_string(value));
    return value;
}

Duration Section::duration(std::string_view name) {
    const Key& known = key(name);
    if (!has(name)) return parse_duration(known.fallback).value_or(Duration{0});
    const auto value = take(node_.get(name).as_duration(), Duration{0});
    const auto ms = static_cast<double>(value.count());
    if (known.max > 0 && status_ && (ms < known.min || ms > known.max))
        refuse(node_.get(name),
               std::string(name) + ": expected " + range_text(known) + ", got " + format_duration(value));
    return value;
}

bool Section::boolean(std::string_view name) {
    return has(name) ? take(node_.get(name).as_bool(), false) : key(name).fallback == "true";
}

std::vector<std::string> Section::texts(std::string_view name) {
    if (!has(name)) return {};
    auto values = take(node_.get(name).as_strings(), std::vector<std::string>());
    if (status_ && (values.empty() || values[0].empty()))
        refuse(node_.get(name), std::string(name) + ": expected at least one text");
    return values;
}

std::vector<YamlNode> Section::sections(std::string_view name) {
    if (!has(name)) return {};
    if (!node_.get(name).is_list()) refuse(node_.get(name), std::string(name) + ": expected a list of maps");
    return node_.get(name).items();
}

}  // namespace medic::config_table

namespace medic {

std::string config_reference() {
    using namespace config_table;
    std::string out =
        "# medic.yaml: what to watch\n\nPrinted by `medic config reference` from the table that the loader reads. "
        "Unknown and doubled keys are refused.\n"
        "Relative paths are relative to the file.\n";
    std::string_view section = "-";
    for (const Key& key : all()) {
        if (key.section != section) {
            section = key.section;
            out += "\n## " + (section.empty() ? std::string("Top level") : "`" + std::string(section) + "`") +
                   "\n| key | type | default | meaning |\n|---|---|---|---|\n";
        }
        std::string type(type_name(key.type));
        if (key.type == Type::choice) type += " " + std::string(key.choices);
        if (key.max > 0) type += ", " + range_text(key);
        std::ranges::replace(type, '|', '/');
        out += "| `" + std::string(key.name) + "` | " + type + " | " +
               (key.required           ? "required"
                : key.fallback.empty() ? ""
                                       : "`" + std::string(key.fallback) + "`") +
               " | " + std::string(key.meaning) + " |\n";
    }
    return out;
}

}  // namespace medic

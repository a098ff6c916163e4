// medic.yaml as a value: what to watch. What may be done is policy.yaml (remediations/guards/policy.h).
// Loading refuses unknown and doubled keys, values out of range and dangling names, with file:line:column and what was
// expected.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/access.h"
#include "agent/base/result.h"
#include "agent/base/time.h"
#include "agent/config/listen_address.h"

namespace medic {

struct KafkaConfig {
    std::vector<std::string> bootstrap;  // host:port; empty: the cluster has no Kafka.
    std::string cluster_id;              // Expected; "" = the first answer decides.
    KafkaSecurity security;
};

struct PageConfig {
    std::string url;
    std::string kind;  // kafka-broker | connect-worker | flink-jobmanager | flink-taskmanager | host
    std::string node;  // Name under nodes; "" when none is listed.
    Duration interval{60'000};
    bool interval_given = false;  // Else a page that answers quickly is read more often.
};

struct PrometheusConfig {
    std::string url;    // "" = pages are scraped instead.
    std::string match;  // Selector of this cluster's series: {cluster="x"}.
};

// A command that acts is an operation, and one leaves only while the agent's lease outlasts it: nobody waits for longer
// (remediations/planning/request_time.h).
inline constexpr Duration driver_takes_max{60'000};

// How a node's process is looked at and handled. Every command is an argument list, never a shell line.
// Placeholders in arguments: {connector} {task} {log_dir} {bytes} {fencing_token}; in `threads`: {pid}.
struct NodeDriverConfig {
    enum class Kind : std::uint8_t { none, command, systemd, agent };
    Kind kind = Kind::none;
    std::string unit;  // systemd: its unit.
    std::map<std::string, std::vector<std::string>>
        commands;              // status, start, start_spare, stop, kill, kill_task, grow; threads (with scope: node)
    Duration timeout{10'000};  // Of `status` and `threads`; agent: of a look.
    Duration command_timeout = driver_takes_max;  // Of a command that acts.
    std::string url;                // agent: the sidecar on the node's host. How it is opened: ClusterConfig::http.
    std::set<std::string> actions;  // agent: what it may be asked for; always `status`.
    [[nodiscard]] bool can(const std::string& action) const {
        return commands.contains(action) || actions.contains(action);
    }
};

struct NodeConfig {
    std::string name;
    std::string role;  // broker | controller | connect-worker | jobmanager | taskmanager
    bool spare = false;
    std::string zone;
    std::vector<std::string> disks;  // Folders whose file systems are watched, on the host of whoever looks.
    NodeDriverConfig driver;
};

struct DeploymentVersion {
    std::string id;
    std::string artifact;  // The jar (or shared object) to upload.
    std::string entry;     // Entry class; "" = the artifact's own.
    std::vector<std::string> args;
    int parallelism = 0;              // 0 = as the cluster says.
    std::vector<std::string> topics;  // That it reads and writes.
};

// What a version that was just deployed must show.
struct HealthGateConfig {
    Duration hold{60'000}, within{5 * 60'000};
    std::string group;  // Of its source; "": its lag is not looked at.
    std::int64_t lag_max = 0;
};

struct DeploymentConfig {
    enum class Kind : std::uint8_t { session_rest, command };
    std::string job;
    Kind kind = Kind::session_rest;
    std::string url;  // session-rest: which Flink; "" = the cluster's only one.
    std::map<std::string, std::vector<std::string>>
        commands;  // command: start, verify; {version} {restore_from} {parallelism} {artifact}
    Duration timeout = driver_takes_max;
    std::string savepoints;   // Folder for savepoints.
    int parallelism_max = 0;  // 0 = no limit.
    HealthGateConfig gate;
    std::vector<DeploymentVersion> versions;
};

struct LogConfig {
    std::string path;       // A glob; "" = `unit`.
    std::string unit;       // A systemd unit, read from this host's journal.
    std::string node;       // Name under nodes; "" when none is listed.
    std::string component;  // flink | kafka | connect
};

// Another system owns the definition of what matches, and maybe its restarts.
struct ManagedByConfig {
    std::string object;  // A glob over KIND:NAME; "*": all of the cluster.
    std::string by;
    bool restarts = false;
};

struct ClusterConfig {
    std::string name;
    KafkaConfig kafka;
    std::vector<std::string> connect_urls;
    std::string dead_letters;  // Topic for records that a sink can't read, with {connector}; "" = none is wanted.
    Duration longest_call{0};  // That a connector may take for one batch; 0: not said.
    std::vector<std::string> flink_urls;
    std::set<std::string> flink_logs_never;  // Of them, those whose logs are not to be read over REST.
    std::map<std::string, HttpAccess> http;  // By URL as configured: who needs more than a plain request.
    std::vector<PageConfig> pages;
    PrometheusConfig prometheus;
    std::string alertmanager_url;  // Whose silences hold back actions; "" = none is asked.
    std::vector<NodeConfig> nodes;
    std::vector<DeploymentConfig> deployments;
    std::vector<LogConfig> logs;
    std::map<std::string, std::string> owners;  // "job:fraud-*" → team-fraud
    std::vector<ManagedByConfig> managed;       // As in the file: the first that fits decides.

    [[nodiscard]] const NodeConfig* node(std::string_view node_name) const;
    [[nodiscard]] const DeploymentConfig* deployment(std::string_view job) const;
    // Whose logs are read over REST: none where `logs` names Flink's files, which tell more and cost Flink nothing.
    [[nodiscard]] std::vector<std::string> flink_log_urls() const;
};

// Who is told. Secrets stand in files, which are read at each sending.
struct NotifyConfig {
    std::string name;  // Unique. What a receiver was told is remembered under it.
    std::string kind;  // webhook | command | alertmanager
    std::string url, url_file;
    std::string token_file;               // Authorization: Bearer.
    std::string username, password_file;  // Authorization: Basic.
    HttpAccess access;                    // `auth` and `tls`, as of a watched endpoint.
    std::vector<std::string> command;
    std::string for_owner = "*";  // Glob over owners.
    bool text = false;            // The message as plain text instead of JSON.
    bool heartbeat = false;       // Not incidents: that the agent is well, every `every`.
    Duration every{60'000};
    int per_minute = 30;
    int fold_from = 5;
};

// What the file does not say follows from how much is watched: with more than `many` endpoints of a kind, looks at that
// kind come every five seconds instead of every one or two.
struct IntervalsConfig {
    static constexpr std::size_t many = 20;
    static constexpr Duration of_many{5'000};
    Duration flink{1'000}, connect{1'000}, kafka{2'000}, process{1'000}, logs{2'000}, evaluate{1'000};
    Duration flink_logs{30'000};         // Over REST.
    Duration planned_grace{5 * 60'000};  // How long a node that was stopped in good order may stay away.
};

struct LimitsConfig {
    std::size_t series_per_cluster = 100'000;
    std::size_t events_per_cluster = 5'000;
};

struct JournalConfig {
    Duration retention{90LL * 24 * 3'600'000};  // Of ended incidents. Open ones stay.
};

// Where several agents agree on who acts. Kind none: this one is alone, and its data folder's lock is all.
struct LeaseConfig {
    enum class Kind : std::uint8_t { none, file, etcd };
    Kind kind = Kind::none;
    std::string name;  // This agent's; "" = host and data folder.
    Duration ttl{90'000};
    std::string path;               // file: the SQLite file that all of them open.
    std::vector<std::string> urls;  // etcd.
    std::string username, password_file, ca_file;
};

// cluster: watches whole clusters, diagnoses, and acts where a policy lets it. node: a sidecar that looks at the nodes
// of its own host and handles them for an agent with scope cluster; it decides nothing (agent/node).
enum class Scope : std::uint8_t { cluster, node };

struct Config {
    std::string path;  // As given, for messages.
    Scope scope = Scope::cluster;
    std::string data_dir;
    ListenAddress api_address;
    std::string api_listen;        // The same as text: host:port, as in a URL.
    std::string api_token_file;    // "" = nothing can be changed over HTTP.
    std::string api_external_url;  // Where people reach it, for links in messages; "" = http://LISTEN.
    IntervalsConfig intervals;
    LimitsConfig limits;
    JournalConfig journal;
    LeaseConfig lease;
    std::vector<ClusterConfig> clusters;
    std::vector<NotifyConfig> notify;

    [[nodiscard]] const ClusterConfig* cluster(std::string_view cluster_name) const;
};

// Relative paths in the file are relative to the file's folder.
[[nodiscard]] Result<Config> load_config_file(const std::string& path);
[[nodiscard]] Result<Config> load_config(std::string_view text, const std::string& path);

// How addresses that are given on the command line are opened: the `tls`, `auth` and `sasl` of medic.yaml by kind of
// endpoint. Paths in it are relative to the file's folder, and come out absolute.
struct AccessFile {
    KafkaSecurity kafka;
    HttpAccess connect, flink, prometheus;
};
[[nodiscard]] Result<AccessFile> load_access_file(const std::string& path);

// What is allowed and yet worth a second look: logins over plain text, secret files that everyone can read.
[[nodiscard]] std::vector<std::string> config_notes(const Config& config);

// The reference page (Markdown), from the same table that the loader reads.
[[nodiscard]] std::string config_reference();

}  // namespace medic

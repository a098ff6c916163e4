#include "agent/config/config.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "agent/config/nodes_internal.h"
#include "agent/config/scope_internal.h"
#include "agent/config/table_internal.h"

namespace medic {

using config_table::Section;

namespace {

// Reads one file; the first error wins and ends up in `status`.
struct Loader : NodeLoader {
    KafkaConfig kafka(const YamlNode& node);
    DeploymentConfig deployment(const YamlNode& node);
    ClusterConfig cluster(const std::string& name, const YamlNode& node);
    std::vector<ManagedByConfig> managed(Section& cluster, const YamlNode& node);
    void check_cluster(const ClusterConfig& cluster, const YamlNode& node);
    NotifyConfig notify(const YamlNode& node, std::size_t number);
    void check_access(Section& section, const NotifyConfig& receiver);
    LeaseConfig lease(const YamlNode& node);
    Config top(const YamlNode& node);
};

KafkaConfig Loader::kafka(const YamlNode& node) {
    Section section(node, "clusters.NAME.kafka", status);
    KafkaConfig kafka;
    kafka.bootstrap = section.texts("bootstrap");
    for (const std::string& server : kafka.bootstrap)
        if (server.rfind(':') == std::string::npos || server.find("://") != std::string::npos)
            section.refuse(section.node("bootstrap"), "bootstrap: expected host:port, got `" + server + "`");
    kafka.cluster_id = section.text("cluster_id");
    kafka.security = security(section, "clusters.NAME.kafka.sasl");
    return kafka;
}

DeploymentConfig Loader::deployment(const YamlNode& node) {
    Section section(node, "clusters.NAME.deployments[]", status);
    DeploymentConfig result;
    result.job = section.text("job");
    result.savepoints = path(section.text("savepoints"));
    result.parallelism_max = static_cast<int>(section.integer("parallelism_max"));
    if (section.has("driver")) {
        Section driver(section.node("driver"), "clusters.NAME.deployments[].driver", status);
        result.kind =
            driver.text("kind") == "command" ? DeploymentConfig::Kind::command : DeploymentConfig::Kind::session_rest;
        result.url = driver.text("url");
        result.timeout = acting_timeout(driver);
        for (const char* action : {"start", "verify"})
            if (driver.has(action)) result.commands[action] = driver.texts(action);
        if (result.kind == DeploymentConfig::Kind::command && !result.commands.contains("start"))
            driver.refuse(section.node("driver"), "driver: kind command needs `start`");
    }
    if (section.has("gate")) {
        Section gate(section.node("gate"), "clusters.NAME.deployments[].gate", status);
        result.gate = {.hold = gate.duration("hold"),
                       .within = gate.duration("within"),
                       .group = gate.text("group"),
                       .lag_max = gate.integer("lag_max")};
    }
    std::set<std::string> ids;
    for (const YamlNode& entry : section.sections("versions")) {
        Section version(entry, "clusters.NAME.deployments[].versions[]", status);
        result.versions.push_back({version.text("id"), path(version.text("artifact")), version.text("entry"),
                                   version.texts("args"), static_cast<int>(version.integer("parallelism")),
                                   version.texts("topics")});
        if (!ids.insert(result.versions.back().id).second)
            version.refuse(entry, "version `" + result.versions.back().id + "` is there twice");
    }
    return result;
}

// One name for the whole cluster, or KIND:NAME to a name or to a map.
std::vector<ManagedByConfig> Loader::managed(Section& cluster, const YamlNode& node) {
    if (!node.is_map()) {
        const auto by = node.as_string();
        if (!by || by->empty()) cluster.refuse(node, "managed_by: expected a system's name, or a map");
        return {{.object = "*", .by = by.value_or("")}};
    }
    std::vector<ManagedByConfig> all;
    for (const auto& [object, owner] : node.entries()) {
        ManagedByConfig& one = all.emplace_back(ManagedByConfig{.object = object});
        if (object != "*" && object.find(':') == std::string::npos)
            cluster.refuse(node.key_node(object),
                           "managed_by: expected KIND:NAME, for example job:fraud-*, or *, got `" + object + "`");
        if (owner.is_map()) {
            Section section(owner, "clusters.NAME.managed_by.OBJECT", status);
            one.by = section.text("by");
            one.restarts = section.boolean("restarts");
            continue;
        }
        const auto by = owner.as_string();
        if (!by || by->empty()) cluster.refuse(owner, "managed_by: expected a system's name for `" + object + "`");
        one.by = by.value_or("");
    }
    return all;
}

void Loader::check_cluster(const ClusterConfig& cluster, const YamlNode& node) {
    const auto refuse = [&](const YamlNode& at, const std::string& message) {
        if (status) status = at.error(message);
    };
    std::set<std::string> names;
    for (const NodeConfig& one : cluster.nodes)
        if (!names.insert(one.name).second) refuse(node.get("nodes"), "nodes: `" + one.name + "` is there twice");
    for (const PageConfig& page : cluster.pages)
        if (!page.node.empty() && !names.empty() && !names.contains(page.node))
            refuse(node.get("metrics"), "metrics: node `" + page.node + "` is not listed under nodes");
    for (const LogConfig& log : cluster.logs)
        if (!log.node.empty() && !names.contains(log.node))
            refuse(node.get("logs"), "logs: node `" + log.node + "` is not listed under nodes");
    for (const DeploymentConfig& one : cluster.deployments) {
        if (one.kind != DeploymentConfig::Kind::session_rest) continue;
        if (one.url.empty() && cluster.flink_urls.size() != 1)
            refuse(node.get("deployments"), "deployments: job `" + one.job +
                                                "`: the driver needs `url`, as the cluster has not exactly one flink");
        if (!one.url.empty() && std::ranges::find(cluster.flink_urls, one.url) == cluster.flink_urls.end())
            refuse(node.get("deployments"),
                   "deployments: job `" + one.job + "`: url " + one.url + " is not listed under flink");
    }
    if (cluster.kafka.bootstrap.empty() && cluster.connect_urls.empty() && cluster.flink_urls.empty() &&
        cluster.pages.empty() && cluster.prometheus.url.empty() && cluster.nodes.empty() && cluster.logs.empty())
        refuse(node,
               "cluster `" + cluster.name + "`: nothing to watch; give kafka, connect, flink, metrics or prometheus");
}

// "": none.
bool names_topic(std::string pattern) {
    constexpr std::string_view connector = "{connector}";
    if (const auto at = pattern.find(connector); at != std::string::npos) pattern.erase(at, connector.size());
    return std::ranges::all_of(
        pattern, [](unsigned char c) { return std::isalnum(c) != 0 || c == '.' || c == '_' || c == '-'; });
}

ClusterConfig Loader::cluster(const std::string& name, const YamlNode& node) {
    Section section(node, "clusters.NAME", status);
    ClusterConfig result;
    result.name = name;
    if (section.has("kafka")) result.kafka = kafka(section.node("kafka"));
    if (section.has("connect")) {
        Section connect(section.node("connect"), "clusters.NAME.connect", status);
        result.connect_urls = connect.texts("urls");
        for (std::string& url : result.connect_urls) {
            if (!url.starts_with("http://") && !url.starts_with("https://"))
                connect.refuse(connect.node("urls"), "urls: expected http://host:port, got `" + url + "`");
            while (url.ends_with('/')) url.pop_back();
        }
        if (connect.has("longest_call")) result.longest_call = connect.duration("longest_call");
        result.dead_letters = connect.text("dead_letters");
        if (!names_topic(result.dead_letters))
            connect.refuse(connect.node("dead_letters"),
                           "dead_letters: expected the name of a topic, in which {connector} may stand, got `" +
                               result.dead_letters + "`");
        access(connect, result.connect_urls, result);
    }
    for (const YamlNode& entry : section.sections("flink")) {
        Section flink(entry, "clusters.NAME.flink[]", status);
        result.flink_urls.push_back(flink.text("url"));
        if (flink.text("logs") == "never") result.flink_logs_never.insert(result.flink_urls.back());
        access(flink, {result.flink_urls.back()}, result);
    }
    for (const YamlNode& entry : section.sections("metrics")) {
        Section page(entry, "clusters.NAME.metrics[]", status);
        result.pages.push_back(
            {page.text("url"), page.text("kind"), page.text("node"), page.duration("interval"), page.has("interval")});
        access(page, {result.pages.back().url}, result);
    }
    if (section.has("prometheus")) {
        Section prometheus(section.node("prometheus"), "clusters.NAME.prometheus", status);
        result.prometheus = {prometheus.text("url"), prometheus.text("match")};
        access(prometheus, {result.prometheus.url}, result);
    }
    if (section.has("alertmanager")) {
        Section alertmanager(section.node("alertmanager"), "clusters.NAME.alertmanager", status);
        result.alertmanager_url = alertmanager.text("url");
        access(alertmanager, {result.alertmanager_url}, result);
    }
    for (const YamlNode& entry : section.sections("logs")) {
        Section log(entry, "clusters.NAME.logs[]", status);
        result.logs.push_back({path(log.text("path")), log.text("unit"), log.text("node"), log.text("component")});
        if (result.logs.back().path.empty() == result.logs.back().unit.empty())
            log.refuse(entry, "logs: expected either `path` (a glob) or `unit` (of systemd)");
    }
    for (const YamlNode& entry : section.sections("nodes")) result.nodes.push_back(this->node(entry, result));
    for (const YamlNode& entry : section.sections("deployments")) result.deployments.push_back(deployment(entry));
    for (DeploymentConfig& one : result.deployments)
        if (one.kind == DeploymentConfig::Kind::session_rest && one.url.empty() && result.flink_urls.size() == 1)
            one.url = result.flink_urls[0];
    if (section.has("owners")) {
        for (const auto& [pattern, owner] : section.node("owners").entries()) {
            const auto text = owner.as_string();
            if (!text || text->empty())
                section.refuse(owner, "owners: expected a team's name for `" + pattern + "`");
            else if (pattern.find(':') == std::string::npos)
                section.refuse(section.node("owners").key_node(pattern),
                               "owners: expected KIND:NAME, for example job:fraud-*, got `" + pattern + "`");
            else
                result.owners[pattern] = *text;
        }
    }
    if (section.has("managed_by")) result.managed = managed(section, section.node("managed_by"));
    (void)section.text("drills");  // Only whoever makes faults asks for it (drills.h); here it must be well written.
    if (status) check_cluster(result, node);
    return result;
}

void Loader::check_access(Section& section, const NotifyConfig& receiver) {
    const auto& [auth, tls] = receiver.access;
    if ((auth.given() || tls) && receiver.kind == "command")
        section.refuse(section.node(tls ? "tls" : "auth"), "notify: auth and tls are for webhook and alertmanager");
    if (auth.given() && (!receiver.token_file.empty() || !receiver.username.empty()))
        section.refuse(section.node("auth"), "notify: give either `auth`, or `token_file` or `username`");
    if (tls && receiver.url_file.empty() && !receiver.url.starts_with("https://"))
        section.refuse(section.node("tls"), "tls: `" + receiver.url + "` is plain HTTP: expected https://");
}

NotifyConfig Loader::notify(const YamlNode& node, std::size_t number) {
    Section section(node, "notify[]", status);
    NotifyConfig result{.name = section.text("name"),
                        .kind = section.text("kind"),
                        .url = section.text("url"),
                        .url_file = path(section.text("url_file")),
                        .token_file = path(section.text("token_file")),
                        .username = section.text("username"),
                        .password_file = path(section.text("password_file")),
                        .command = section.texts("command"),
                        .for_owner = section.text("for"),
                        .text = section.text("format") == "text",
                        .heartbeat = section.text("send") == "heartbeat",
                        .every = section.duration("every"),
                        .per_minute = static_cast<int>(section.integer("per_minute")),
                        .fold_from = static_cast<int>(section.integer("fold_from"))};
    if (result.name.empty()) result.name = result.kind + "-" + std::to_string(number);
    if (result.kind == "command") {
        if (result.command.empty()) section.refuse(node, "notify: kind command needs `command`");
    } else if (result.url.empty() == result.url_file.empty()) {
        section.refuse(node, "notify: kind " + result.kind + " needs `url` or `url_file`, one of them");
    }
    result.access = http(section);
    check_access(section, result);
    if (result.username.empty() != result.password_file.empty())
        section.refuse(node, "notify: username and password_file go together");
    if (result.text && result.kind == "alertmanager")
        section.refuse(section.node("format"), "format: text is for webhook and command");
    return result;
}

LeaseConfig Loader::lease(const YamlNode& node) {
    Section section(node, "lease", status);
    LeaseConfig result{
        .kind = section.text("kind") == "file" ? LeaseConfig::Kind::file : LeaseConfig::Kind::etcd,
        .name = section.text("name"),
        .ttl = section.duration("ttl"),
        .path = path(section.text("path")),
        .urls = section.texts("urls"),
        .username = section.text("username"),
        .password_file = path(section.text("password_file")),
        .ca_file = path(section.text("ca_file")),
    };
    const bool file = result.kind == LeaseConfig::Kind::file;
    if (file && result.path.empty()) section.refuse(node, "lease: kind file needs `path`");
    if (!file && result.urls.empty()) section.refuse(node, "lease: kind etcd needs `urls`");
    for (const char* key : {"urls", "username", "password_file", "ca_file"})
        if (file && section.has(key)) section.refuse(section.node(key), std::string(key) + ": only for kind etcd");
    if (!file && section.has("path")) section.refuse(section.node("path"), "path: only for kind file");
    for (std::string& url : result.urls) {
        if (!url.starts_with("http://") && !url.starts_with("https://"))
            section.refuse(section.node("urls"), "urls: expected http://host:port, got `" + url + "`");
        while (url.ends_with('/')) url.pop_back();
    }
    if (result.username.empty() != result.password_file.empty())
        section.refuse(node, "lease: username and password_file go together");
    return result;
}

Config Loader::top(const YamlNode& node) {
    Section section(node, "", status);
    Config config;
    (void)section.integer("schema");
    config.scope = section.text("scope") == "node" ? Scope::node : Scope::cluster;
    config.data_dir = path(section.text("data_dir"));
    Section api(section.has("api") ? section.node("api") : *load_yaml("{}", "api"), "api", status);
    config.api_address = parse_listen_address(api.text("listen")).value_or(ListenAddress{});
    config.api_listen = to_string(config.api_address);
    config.api_token_file = path(api.text("token_file"));
    config.api_external_url = api.text("external_url");
    Section intervals(section.has("intervals") ? section.node("intervals") : *load_yaml("{}", "intervals"), "intervals",
                      status);
    config.intervals = {intervals.duration("flink"),      intervals.duration("connect"),
                        intervals.duration("kafka"),      intervals.duration("process"),
                        intervals.duration("logs"),       intervals.duration("evaluate"),
                        intervals.duration("flink_logs"), intervals.duration("planned_grace")};
    Section limits(section.has("limits") ? section.node("limits") : *load_yaml("{}", "limits"), "limits", status);
    config.limits = {static_cast<std::size_t>(limits.integer("series_per_cluster")),
                     static_cast<std::size_t>(limits.integer("events_per_cluster"))};
    Section journal(section.has("journal") ? section.node("journal") : *load_yaml("{}", "journal"), "journal", status);
    config.journal = {journal.duration("retention")};
    if (section.has("lease")) config.lease = lease(section.node("lease"));
    const YamlNode clusters = section.node("clusters");
    if (status && (!clusters.is_map() || clusters.entries().empty()))
        section.refuse(clusters, "clusters: expected at least one cluster by name");
    for (const auto& [name, entry] : clusters.entries()) {
        if (name.find_first_of(":/ {}\"*") != std::string::npos)
            section.refuse(clusters.key_node(name),
                           "cluster name `" + name + "`: no colon, slash, space, brace, quote or star");
        config.clusters.push_back(cluster(name, entry));
    }
    const auto slow_down = [&](const char* kind, Duration& interval, std::size_t endpoints) {
        if (!intervals.has(kind) && endpoints > IntervalsConfig::many) interval = IntervalsConfig::of_many;
    };
    std::size_t flinks = 0, connects = 0, kafkas = 0;
    for (const ClusterConfig& one : config.clusters) {
        flinks += one.flink_urls.size();
        connects += one.connect_urls.size();
        kafkas += one.kafka.bootstrap.empty() ? 0 : 1;
    }
    slow_down("flink", config.intervals.flink, flinks);
    slow_down("connect", config.intervals.connect, connects);
    slow_down("kafka", config.intervals.kafka, kafkas);
    std::set<std::string> receivers;
    for (const YamlNode& entry : section.sections("notify")) {
        config.notify.push_back(notify(entry, config.notify.size() + 1));
        if (!receivers.insert(config.notify.back().name).second)
            section.refuse(entry, "notify: `" + config.notify.back().name + "` is there twice");
    }
    if (status) status = check_scope(node, config);
    return config;
}

}  // namespace

const NodeConfig* ClusterConfig::node(std::string_view node_name) const {
    const auto found = std::ranges::find(nodes, node_name, &NodeConfig::name);
    return found == nodes.end() ? nullptr : &*found;
}

std::vector<std::string> ClusterConfig::flink_log_urls() const {
    if (std::ranges::find(logs, "flink", &LogConfig::component) != logs.end()) return {};
    std::vector<std::string> urls = flink_urls;
    std::erase_if(urls, [&](const std::string& url) { return flink_logs_never.contains(url); });
    return urls;
}

const DeploymentConfig* ClusterConfig::deployment(std::string_view job) const {
    const auto found = std::ranges::find(deployments, job, &DeploymentConfig::job);
    return found == deployments.end() ? nullptr : &*found;
}

const ClusterConfig* Config::cluster(std::string_view cluster_name) const {
    const auto found = std::ranges::find(clusters, cluster_name, &ClusterConfig::name);
    return found == clusters.end() ? nullptr : &*found;
}

Result<Config> load_config(std::string_view text, const std::string& path) {
    MEDIC_TRY(const YamlNode document, load_yaml(text, path));
    Loader loader{{{.folder = std::filesystem::path(path).parent_path(), .status = {}}}};
    Config config = loader.top(document);
    MEDIC_CHECK(loader.status);
    config.path = path;
    return config;
}

Result<Config> load_config_file(const std::string& path) {
    MEDIC_TRY(const YamlNode document, load_yaml_file(path));
    Loader loader{{{.folder = std::filesystem::absolute(path).parent_path(), .status = {}}}};
    Config config = loader.top(document);
    MEDIC_CHECK(loader.status);
    config.path = path;
    return config;
}

}  // namespace medic

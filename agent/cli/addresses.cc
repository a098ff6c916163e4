#include "agent/cli/addresses.h"

#include <algorithm>

#include "agent/cli/command_internal.h"
#include "agent/world/real/kafka_connection.h"

namespace medic::cli {
namespace {

Status give(ClusterConfig& cluster, const std::vector<std::string>& urls, const HttpAccess& access) {
    if (access == HttpAccess{}) return {};
    for (const std::string& url : urls) {
        if (access.tls && !url.starts_with("https://"))
            return fail(ErrorCode::invalid, "--access: has `tls` for {}, which is plain HTTP: expected https://", url);
        cluster.http[url] = access;
    }
    return {};
}

Status give_access(ClusterConfig& cluster, const AccessFile& access) {
    if (!cluster.kafka.bootstrap.empty()) cluster.kafka.security = access.kafka;
    MEDIC_CHECK(give(cluster, cluster.connect_urls, access.connect));
    MEDIC_CHECK(give(cluster, cluster.flink_urls, access.flink));
    if (cluster.prometheus.url.empty()) return {};
    return give(cluster, {cluster.prometheus.url}, access.prometheus);
}

}  // namespace

std::vector<CLI::Option*> add_addresses(CLI::App& command, Addresses& addresses) {
    return {command.add_option("--kafka", addresses.kafka, "Kafka broker, host:port")->delimiter(','),
            command.add_option("--connect", addresses.connect, "Kafka Connect REST address")->delimiter(','),
            command.add_option("--flink", addresses.flink, "Flink REST address")->delimiter(','),
            command.add_option("--prometheus", addresses.prometheus, "Prometheus server"),
            command.add_option("--access", addresses.access, access_help)};
}

Result<std::string> http_address(const std::string& option, std::string text) {
    if (text.find("://") == std::string::npos) text = "http://" + text;
    while (text.ends_with('/')) text.pop_back();
    const auto from = text.find("://") + 3;
    if (!text.starts_with("http://") && !text.starts_with("https://"))
        return fail(ErrorCode::invalid, "{} {}: expected http://host:port or https://…", option, text);
    if (text.find('@', from) != std::string::npos)
        return fail(ErrorCode::invalid, "{}: a login in the address would be seen by everybody on this machine (ps)",
                    option);
    if (from == text.size() || text[from] == '/') return fail(ErrorCode::invalid, "{}: no host in {}", option, text);
    return text;
}

Result<ClusterConfig> cluster_of(const Addresses& addresses) {
    ClusterConfig cluster;
    cluster.name = addresses.name;
    const auto allowed = [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
               c == '.';
    };
    if (addresses.name.empty() || !std::ranges::all_of(addresses.name, allowed))
        return fail(ErrorCode::invalid, "--name {}: expected letters, digits, - _ and .", addresses.name);
    for (const std::string& one : addresses.kafka) {
        MEDIC_TRY(const KafkaEndpoint endpoint, parse_endpoint(one));
        cluster.kafka.bootstrap.push_back(medic::to_string(endpoint));
    }
    for (const std::string& one : addresses.connect) {
        MEDIC_TRY(std::string url, http_address("--connect", one));
        cluster.connect_urls.push_back(std::move(url));
    }
    for (const std::string& one : addresses.flink) {
        MEDIC_TRY(std::string url, http_address("--flink", one));
        cluster.flink_urls.push_back(std::move(url));
    }
    if (!addresses.prometheus.empty()) {
        MEDIC_TRY(std::string url, http_address("--prometheus", addresses.prometheus));
        cluster.prometheus = {.url = std::move(url), .match = "{}"};
    }
    if (!addresses.access.empty()) {
        MEDIC_TRY(const AccessFile access, load_access_file(addresses.access));
        MEDIC_CHECK(give_access(cluster, access));
    }
    return cluster;
}

Result<Config> config_of(const Addresses& addresses) {
    MEDIC_TRY(ClusterConfig cluster, cluster_of(addresses));
    Config config;
    config.path = "command line";
    config.clusters.push_back(std::move(cluster));
    return config;
}

Result<Config> load_cluster_config(const std::string& path) {
    MEDIC_TRY(Config config, load_config_file(path));
    if (config.scope == Scope::node)
        return fail(ErrorCode::invalid,
                    "{}: a sidecar's file (`scope: node`): give the one of the agent that watches the cluster", path);
    return config;
}

}  // namespace medic::cli

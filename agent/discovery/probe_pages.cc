#include "agent/discovery/probe_pages.h"

#include <algorithm>
#include <set>

namespace medic::discovery {
namespace {

constexpr std::size_t hosts_max = 100, ports_max = 64;
constexpr Duration probe_timeout{1'500};
constexpr std::size_t page_bytes_max = 64 * 1024 * 1024;

std::set<std::string> hosts_of(const Picture& picture) {
    std::set<std::string> hosts;
    const auto add = [&](const std::string& address) {
        if (std::string host = host_of(address); !host.empty() && hosts.size() < hosts_max)
            hosts.insert(std::move(host));
    };
    for (const Broker& one : picture.brokers) add(one.address);
    for (const ConnectWorker& one : picture.workers) add(one.address);
    for (const FlinkCluster& flink : picture.flinks) {
        add(shown_address(flink.url));
        for (const TaskManager& one : flink.taskmanagers) add(one.address);
    }
    return hosts;
}

// The only one of its kind on the host, or nobody.
template <class Range, class Name>
std::string only_on(const Range& all, const std::string& host, Name name) {
    std::string found;
    for (const auto& one : all) {
        if (host_of(one.address) != host) continue;
        if (!found.empty()) return "";
        found = name(one);
    }
    return found;
}

std::string node_of(const PageLook& page, const std::string& host, const Picture& picture) {
    if (page.kind == "kafka-broker") {
        if (!page.broker.empty()) return broker_node(page.broker);
        return only_on(picture.brokers, host, [](const Broker& one) { return broker_node(one.id); });
    }
    // A worker's node is named as Connect names the worker: so the agent knows that they are the same.
    if (page.kind == "connect-worker")
        return only_on(picture.workers, host, [](const ConnectWorker& one) { return one.address; });
    return "";
}

}  // namespace

std::vector<int> usual_page_ports() {
    std::vector<int> ports = {5556, 7071, 7072, 9100, 9404};
    constexpr int flink_first = 9249, flink_last = 9260;
    for (int port = flink_first; port <= flink_last; ++port) ports.push_back(port);
    return ports;
}

std::string broker_node(const std::string& id) { return "broker-" + id; }

std::string host_of(const std::string& address) {
    if (address.starts_with('[')) return address.substr(0, address.find(']') + 1);
    return address.substr(0, address.rfind(':'));
}

std::vector<PageLook> probe_pages(Outside& outside, const ClusterConfig& cluster, const Picture& picture,
                                  const std::vector<int>& ports) {
    std::vector<Get> requests;
    std::vector<std::string> hosts;
    for (const std::string& host : hosts_of(picture))
        for (std::size_t i = 0; i < std::min(ports.size(), ports_max); ++i) {
            const std::string url = "http://" + host + ":" + std::to_string(ports[i]) + "/metrics";
            if (std::ranges::find(cluster.pages, url, &PageConfig::url) != cluster.pages.end()) continue;
            requests.push_back(
                {.url = url, .cluster = cluster.name, .timeout = probe_timeout, .body_bytes_max = page_bytes_max});
            hosts.push_back(host);
        }
    std::vector<PageLook> found;
    const auto answers = outside.get(requests);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (!answers[i].answer) continue;
        PageLook page = read_page({.url = requests[i].url, .kind = {}, .node = {}}, answers[i], cluster.name);
        if (!page.error.empty() || page.kind.empty()) continue;
        page.config.kind = page.kind;
        page.config.node = node_of(page, hosts[i], picture);
        found.push_back(std::move(page));
    }
    return found;
}

}  // namespace medic::discovery

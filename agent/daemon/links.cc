// Which process is which broker, worker and task manager: by the port that it listens on, or else by names and hosts
// that leave no doubt.
#include <algorithm>
#include <set>

#include "agent/daemon/knowledge.h"

namespace medic {
namespace {

std::string after_last(const std::string& text, char sign) {
    const auto at = text.rfind(sign);
    return at == std::string::npos ? "" : text.substr(at + 1);
}

bool lists(const std::string& ports, const std::string& port) {
    return !port.empty() && ("," + ports + ",").find("," + port + ",") != std::string::npos;
}

// "broker-2" → "2".
std::string number_at_end(const std::string& name) {
    const auto last = name.find_last_not_of("0123456789");
    return last == std::string::npos ? name : name.substr(last + 1);
}

// Flink's id of a task manager that was named after its node: the name, or the name and a suffix.
bool named_after(const std::string& id, const std::string& node) {
    return id == node ||
           (id.starts_with(node) && id.size() > node.size() && (id[node.size()] == '-' || id[node.size()] == ':'));
}

// "http://[::1]:9470/x" and "[::1]:9092" → "[::1]": without scheme, login, port and path.
std::string host_of(std::string text) {
    if (const auto scheme = text.find("://"); scheme != std::string::npos) text = text.substr(scheme + 3);
    text = text.substr(0, text.find('/'));
    if (const auto login = text.rfind('@'); login != std::string::npos) text = text.substr(login + 1);
    const auto colon = text.rfind(':');
    return colon == std::string::npos ? text : text.substr(0, colon);
}

struct Linker {
    const Topology& topology;
    const ClusterConfig& cluster;

    [[nodiscard]] std::string attribute(const std::string& kind, const std::string& name, const char* key) const {
        return topology.attribute({cluster.name, kind, name}, key).value_or("");
    }

    // Whether nodes of the role are on more hosts than one, as far as their drivers tell: then a port alone says
    // little.
    [[nodiscard]] bool several_hosts(const std::string& role) const {
        std::set<std::string> hosts;
        for (const NodeConfig& node : cluster.nodes)
            if (node.role == role) hosts.insert(host_of(node.driver.url));
        return hosts.size() > 1;
    }

    // Of those with a port of the node: the one on its host, or the one that is called like it.
    [[nodiscard]] std::string on_host(const std::string& kind, const NodeConfig& node,
                                      const std::vector<Subject>& fits) const {
        const std::string host = host_of(node.driver.url);
        for (const Subject& one : fits)
            if (!host.empty() && host_of(attribute(kind, one.name, "address")) == host) return one.name;
        for (const Subject& one : fits)
            if (named_after(one.name, node.name) || (kind == "broker" && one.name == number_at_end(node.name)))
                return one.name;
        return "";
    }

    // The subject of `kind` that runs as `node`; "" when it can't be told.
    [[nodiscard]] std::string find(const std::string& kind, const NodeConfig& node,
                                   const std::vector<std::string>& port_keys) const {
        const std::string ports = attribute("node", node.name, "ports");
        const auto all = topology.all(cluster.name, kind);
        std::vector<Subject> fits;
        for (const Subject& one : all)
            if (std::ranges::any_of(port_keys, [&](const std::string& key) {
                    return lists(ports, after_last(":" + attribute(kind, one.name, key.c_str()), ':'));
                }))
                fits.push_back(one);
        if (!fits.empty()) return several_hosts(node.role) ? on_host(kind, node, fits) : fits.front().name;
        if (!ports.empty()) return "";  // Its ports are known and none fits: it is not registered now.
        for (const Subject& one : all)
            if (named_after(one.name, node.name)) return one.name;
        // Without a look at the process, the number in its name is all there is; only where every node of the role has
        // one.
        if (kind != "broker") return "";
        for (const Subject& one : all)
            if (one.name == number_at_end(node.name)) return one.name;
        return "";
    }
};

}  // namespace

// Only what the topology says and which nodes are configured decide: nothing new said, nothing to do.
void Knowledge::relink(const ClusterConfig& cluster, WallTime at) {
    if (cluster.nodes.empty() || linked_at_[cluster.name] == topology_.generation()) return;
    auto links = links_;
    const Linker linker{topology_, cluster};
    for (const NodeConfig& node : cluster.nodes) {
        NodeLink link;
        if (node.role == "broker") link.broker = linker.find("broker", node, {"address"});
        if (node.role == "connect-worker") link.worker = linker.find("worker", node, {"address"});
        if (node.role == "taskmanager") link.taskmanager = linker.find("taskmanager", node, {"address", "data_port"});
        // A dead process keeps what it was known as: who asks "which node was that?" asks about the dead.
        if (link != NodeLink{}) links[{cluster.name, node.name}] = link;
    }
    linked_at_[cluster.name] = topology_.generation();
    if (links == links_) return;
    for (const auto& [key, link] : links_) {
        const auto now = links.find(key);
        if (link.taskmanager.empty() || (now != links.end() && now->second.taskmanager == link.taskmanager)) continue;
        auto& former = former_[key];
        constexpr std::size_t former_max = 16;
        if (former.size() >= former_max) former.erase(former.begin());
        former.push_back(link.taskmanager);
    }
    links_ = std::move(links);
    tell_links(at);
    linked_at_[cluster.name] = topology_.generation();
}

void Knowledge::remember_links(const NodeLinks& known, WallTime at) {
    for (const ClusterConfig& cluster : config_.clusters)
        for (const NodeConfig& node : cluster.nodes)
            if (const auto found = known.find({cluster.name, node.name}); found != known.end()) links_.insert(*found);
    if (!links_.empty()) tell_links(at);
}

void Knowledge::tell_links(WallTime at) {
    ++links_version_;
    std::vector<Relation> relations;
    std::map<Subject, std::map<std::string, std::string>> attributes;
    for (const auto& [key, link] : links_) {
        const auto& [in, node] = key;
        const Subject node_subject{in, "node", node};
        const auto tie = [&](const char* kind, const std::string& name) {
            if (name.empty()) return;
            relations.push_back({{in, kind, name}, "hosted-by", node_subject});
            attributes[{in, kind, name}]["node"] = node;
            attributes[node_subject][kind] = name;
        };
        if (const auto former = former_.find(key); former != former_.end())
            for (const std::string& name : former->second) tie("taskmanager", name);
        tie("broker", link.broker);
        tie("worker", link.worker);
        tie("taskmanager", link.taskmanager);
    }
    for (const auto& [subject, values] : attributes) told_at_[subject] = at;
    topology_.replace("links", std::move(relations), std::move(attributes), at);
}

}  // namespace medic

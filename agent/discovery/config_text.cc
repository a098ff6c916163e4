#include "agent/discovery/config_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>
#include <set>

#include "agent/base/plain_text.h"
#include "agent/discovery/probe_pages.h"

namespace medic::discovery {
namespace {

std::string count(std::size_t number, const std::string& what) {
    return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

// Every comment is made here: what it tells comes from outside, and a line of it that ended early would be
// configuration.
std::string comment(const std::string& text) { return "# " + plain_line(text); }

std::string releases(const Picture& picture) {
    std::set<std::string> all;
    for (const Broker& one : picture.brokers)
        if (!one.version.empty()) all.insert(one.version);
    return all.empty() ? "" : fmt::format(" {}", fmt::join(all, " and "));
}

std::string utc(WallTime at) {
    const std::time_t seconds = at.unix_ms / 1000;
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                       parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// The addresses that were given, and then brokers that answer, so that one dead broker at start does not blind the
// agent.
std::vector<std::string> bootstrap(const ClusterConfig& cluster, const Picture& picture, std::size_t max) {
    std::vector<std::string> all = cluster.kafka.bootstrap;
    for (const Broker& one : picture.brokers) {
        if (all.size() >= max) break;
        if (one.reachable && std::ranges::find(all, one.address) == all.end()) all.push_back(one.address);
    }
    for (std::string& one : all) one = quoted(one);
    return all;
}

std::string secret_item(const std::string& name, const SecretSource& source) {
    if (!source.file.empty()) return name + "_file: " + quoted(source.file);
    if (!source.environment.empty()) return name + "_env: " + quoted(source.environment);
    std::vector<std::string> arguments;
    for (const std::string& one : source.command) arguments.push_back(quoted(one));
    return fmt::format("{}_command: [{}]", name, fmt::join(arguments, ", "));
}

std::string sasl_item(const SaslLoginOptions& sasl) {
    if (!sasl.token.given())
        return fmt::format("sasl: {{mechanism: {}, username: {}, {}}}", sasl.mechanism, quoted(sasl.username),
                           secret_item("password", sasl.password));
    std::vector<std::string> extensions;
    for (const auto& [name, value] : sasl.extensions) extensions.push_back(fmt::format("{}: {}", name, quoted(value)));
    return fmt::format("sasl: {{mechanism: {}, {}{}}}", sasl.mechanism, secret_item("token", sasl.token),
                       extensions.empty() ? "" : fmt::format(", extensions: {{{}}}", fmt::join(extensions, ", ")));
}

std::string tls_item(const TlsFiles& files) {
    std::vector<std::string> items;
    if (!files.ca.empty()) items.push_back("ca: " + quoted(files.ca));
    if (!files.certificate.empty()) items.push_back("certificate: " + quoted(files.certificate));
    if (!files.key.empty()) items.push_back("key: " + quoted(files.key));
    if (!files.check_hostname) items.emplace_back("check_hostname: false");
    return fmt::format("tls: {{{}}}", fmt::join(items, ", "));
}

std::string after(const std::vector<std::string>& items) {
    std::string text;
    for (const std::string& one : items) text += ", " + one;
    return text;
}

class Writer {
public:
    Writer(const ClusterConfig& cluster, const Picture& picture, const ConfigTextOptions& options)
        : cluster_(cluster), picture_(picture), options_(options) {}

    std::string write() {
        head();
        out_ += fmt::format("clusters:\n  {}:\n", cluster_.name);
        kafka();
        connect();
        flink();
        metrics();
        nodes();
        rest();
        return std::move(out_);
    }

private:
    void line(const std::string& text) { out_ += text + "\n"; }
    void line(const std::string& text, const std::string& told) { line(text + "  " + comment(told)); }
    void remark(const std::string& indent, const std::string& told) { line(indent + comment(told)); }

    void head() {
        remark("", fmt::format("Written by `{}` on {}: what the agent watches.", options_.command, utc(picture_.at)));
        remark("",
               "A comment says what was not found and which line to add. Next: medic config check FILE; medic doctor "
               "--config FILE.");
        line("schema: 1");
        line("data_dir: " + quoted(options_.data_dir), "The journal; the agent must be able to write here.");
        line("api: {listen: \"127.0.0.1:9469\"}", "Add token_file: FILE to approve, pause and send alerts over HTTP.");
        for (const std::string& problem : picture_.problems)
            remark("", "Not seen: " + problem.substr(0, problem.find('\n')));
        for (const std::string& note : picture_.notes) remark("", "Note: " + note);
    }

    void kafka() {
        if (cluster_.kafka.bootstrap.empty())
            return remark(in, "Kafka was not asked for; add  kafka: {bootstrap: [\"HOST:9092\"]}");
        if (picture_.brokers.empty())
            remark(in, "Kafka did not answer.");
        else
            remark(in,
                   fmt::format("Kafka{}: {}, {}, {}{}.", releases(picture_), count(picture_.brokers.size(), "broker"),
                               count(picture_.topics.size(), "topic"), count(picture_.groups.size(), "group"),
                               picture_.kafka_cluster_id.empty() ? "" : ", cluster id " + picture_.kafka_cluster_id));
        std::vector<std::string> items = {
            fmt::format("bootstrap: [{}]", fmt::join(bootstrap(cluster_, picture_, options_.bootstrap_max), ", "))};
        const KafkaSecurity& security = cluster_.kafka.security;
        if (security.tls) items.push_back(tls_item(*security.tls));
        if (security.sasl) items.push_back(sasl_item(*security.sasl));
        line(fmt::format("    kafka: {{{}}}", fmt::join(items, ", ")));
    }

    void connect() {
        if (cluster_.connect_urls.empty())
            return remark(in, "Connect was not asked for; add  connect: {urls: [\"http://HOST:8083\"]}");
        std::vector<std::string> urls;
        for (const std::string& url : cluster_.connect_urls) urls.push_back(quoted(url));
        remark(in, fmt::format("Connect: {}, {}.", count(picture_.workers.size(), "worker"),
                               count(picture_.connectors.size(), "connector")));
        line(fmt::format("    connect: {{urls: [{}]{}}}", fmt::join(urls, ", "),
                         after(access_items(cluster_, cluster_.connect_urls.front()))));
        for (const ConnectWorker& one : picture_.workers)
            if (!one.listed)
                remark(in, fmt::format("Worker {} runs {} and was not given; add {} to urls.", one.address,
                                       count(one.tasks, "task"), quoted("http://" + one.address)));
    }

    void flink() {
        if (picture_.flinks.empty())
            return remark(in, "Flink was not asked for; add  flink: [{url: \"http://HOST:8081\"}]");
        line("    flink:");
        for (const FlinkCluster& one : picture_.flinks) {
            line("      - url: " + quoted(one.url),
                 one.reachable
                     ? fmt::format("{}{}{}, {}", one.version.empty() ? "" : one.version + ", ",
                                   one.mode.empty() ? "" : one.mode + " mode, ",
                                   count(one.taskmanagers.size(), "task manager"), count(one.jobs.size(), "job"))
                     : "did not answer");
            for (const std::string& item : access_items(cluster_, one.url)) line("        " + item);
        }
    }

    void metrics() {
        const auto has = [&](const std::string& node) {
            return std::ranges::any_of(picture_.pages, [&](const PageLook& one) { return one.config.node == node; });
        };
        const auto kind = [&](std::string_view wanted) {
            return std::ranges::any_of(picture_.pages, [&](const PageLook& one) { return one.config.kind == wanted; });
        };
        if (!cluster_.prometheus.url.empty()) {
            line(fmt::format("    prometheus: {{url: {}, match: {}{}}}", quoted(cluster_.prometheus.url),
                             quoted(cluster_.prometheus.match),
                             after(access_items(cluster_, cluster_.prometheus.url))));
            if (cluster_.prometheus.match == "{}")
                remark(in,
                       "match takes all series of that server: narrow it to this cluster, as in '{cluster=\"x\"}'.");
        }
        std::vector<std::string> missing;
        if (!picture_.pages.empty()) line("    metrics:");
        for (const PageLook& one : picture_.pages) {
            const bool open = one.config.kind == "kafka-broker" && one.config.node.empty();
            line("      - " + page_item(one.config),
                 fmt::format("{} samples, {} used, {} kB{}", one.samples, one.used, one.bytes / 1024,
                             open ? "; whose? add node: broker-ID" : ""));
        }
        for (const Broker& one : picture_.brokers)
            if (!has(broker_node(one.id)))
                missing.push_back(page_item({.url = "http://" + host_of(one.address) + ":PORT/metrics",
                                             .kind = "kafka-broker",
                                             .node = broker_node(one.id)}));
        for (const ConnectWorker& one : picture_.workers)
            if (!has(one.address))
                missing.push_back(page_item({.url = "http://" + host_of(one.address) + ":PORT/metrics",
                                             .kind = "connect-worker",
                                             .node = one.address}));
        if (kind("kafka-broker") && kind("connect-worker") && missing.empty()) return;
        if (missing.empty() || !cluster_.prometheus.url.empty()) return;
        remark(in,
               "Metric pages that are not known (medic discover --probe-pages looks at the usual ports); medic doctor "
               "says what they tell:");
        if (picture_.pages.empty()) remark(in, "metrics:");
        constexpr std::size_t shown_max = 12;
        for (std::size_t i = 0; i < std::min(missing.size(), shown_max); ++i) remark(in, "  - " + missing[i]);
        if (missing.size() > shown_max) remark(in, fmt::format("  and {} more", missing.size() - shown_max));
    }

    void nodes() {
        const auto wanted = nodes_wanted(picture_);
        if (!wanted.empty()) line("    nodes:", "Without a driver a process is only watched from afar.");
        for (const NodeWanted& one : wanted) line("      - " + node_item(one.name, one.role, one.zone));
        remark(in, "To tell a dead process from a frozen one, give its node a driver that can look:");
        if (wanted.empty()) remark(in, "nodes:");
        remark(in, "  - {name: NAME, role: taskmanager, driver: {kind: systemd, unit: flink-taskmanager.service}}");
    }

    void rest() {
        std::string example = "job:NAME-*";
        for (const FlinkCluster& flink : picture_.flinks)
            if (!flink.jobs.empty()) example = "job:" + flink.jobs.front().name;
        remark(in, fmt::format("owners: {{{}: TEAM}}  # Who is told, and who answers for what.", quoted(example)));
    }

    static constexpr const char* in = "    ";  // The indent of what belongs to the cluster.
    const ClusterConfig& cluster_;
    const Picture& picture_;
    const ConfigTextOptions& options_;
    std::string out_;
};

}  // namespace

std::string config_text(const ClusterConfig& cluster, const Picture& picture, const ConfigTextOptions& options) {
    return Writer(cluster, picture, options).write();
}

std::string quoted(const std::string& text) {
    std::string out = "\"";
    for (const char c : plain_text(text)) {
        if (c == '\n' || c == '\t') continue;  // No name or URL holds one.
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + '"';
}

std::vector<std::string> access_items(const ClusterConfig& cluster, const std::string& url) {
    std::vector<std::string> items;
    const auto found = cluster.http.find(url);
    if (found == cluster.http.end()) return items;
    const auto& [auth, tls] = found->second;
    if (!auth.username.empty())
        items.push_back(
            fmt::format("auth: {{username: {}, {}}}", quoted(auth.username), secret_item("password", auth.password)));
    else if (auth.bearer.given())
        items.push_back(fmt::format("auth: {{{}}}", secret_item("bearer", auth.bearer)));
    if (tls) items.push_back(tls_item(*tls));
    return items;
}

std::string page_item(const PageConfig& page) {
    return fmt::format("{{url: {}, kind: {}{}}}", quoted(page.url), page.kind,
                       page.node.empty() ? "" : ", node: " + quoted(page.node));
}

std::string node_item(const std::string& name, const std::string& role, const std::string& zone) {
    return fmt::format("{{name: {}, role: {}{}}}", quoted(name), role, zone.empty() ? "" : ", zone: " + quoted(zone));
}

std::vector<NodeWanted> nodes_wanted(const Picture& picture) {
    std::vector<NodeWanted> wanted;
    const auto named = [&](const std::string& node) {
        return std::ranges::any_of(picture.pages, [&](const PageLook& one) { return one.config.node == node; });
    };
    for (const Broker& one : picture.brokers)
        if (named(broker_node(one.id))) wanted.push_back({broker_node(one.id), "broker", one.rack});
    for (const ConnectWorker& one : picture.workers)
        if (named(one.address)) wanted.push_back({one.address, "connect-worker", ""});
    return wanted;
}

}  // namespace medic::discovery

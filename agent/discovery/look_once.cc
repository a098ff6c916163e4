#include "agent/discovery/look_once.h"

#include <algorithm>

#include "agent/collectors/connect/connect.h"
#include "agent/collectors/flink/flink.h"
#include "agent/collectors/node/node_collector.h"
#include "agent/collectors/prometheus/server.h"
#include "agent/discovery/telling_reader_internal.h"

namespace medic::discovery {
namespace {

// A full JMX page of a busy broker takes 0.3–2.2 s; as long as the agent itself waits.
constexpr Duration page_timeout{8'000};
constexpr std::size_t page_bytes_max = 64 * 1024 * 1024;

std::string without_query(std::string_view url) { return std::string(url.substr(0, url.find('?'))); }

// Answers that say more than the collectors keep: versions, plans, cluster ids. `base` is without a slash at the end.
bool is_kept(const std::string& url, const std::string& base) {
    const std::string path = without_query(url).substr(std::min(base.size(), url.size()));
    if (path == "/" || path == "/config" || path == "/taskmanagers" || path == "/connectors") return true;
    return path.starts_with("/jobs/") && path != "/jobs/overview" && path.find('/', 6) == std::string::npos;
}

Call call_of(const std::string& part, const std::string& base, const std::string& url, const Got& got) {
    Call call{
        .part = part, .target = shown_address(base), .name = "GET " + call_shape(url), .took = got.took, .detail = ""};
    if (!got.answer) {
        call.outcome = Call::Outcome::failed;
        call.detail = got.answer.error().message;
        return call;
    }
    call.bytes = got.answer->body.size();
    const int status = got.answer->status;
    if (status == 200) return call;
    call.outcome = status == 401 || status == 403                    ? Call::Outcome::refused
                   : status == 404 || status == 405 || status == 501 ? Call::Outcome::unsupported
                                                                     : Call::Outcome::failed;
    call.detail = "HTTP status " + std::to_string(status);
    return call;
}

class Looker {
public:
    Looker(Outside& outside, const ClusterConfig& cluster, const LookOptions& options, ClusterLook& look)
        : outside_(outside), cluster_(cluster), options_(options), look_(look) {}

    void run() {
        if (!cluster_.kafka.bootstrap.empty()) kafka();
        if (!cluster_.connect_urls.empty()) {
            options_.progress("Connect");
            ConnectCollector collector(
                {.cluster = cluster_.name, .urls = cluster_.connect_urls, .target = cluster_.name + "/connect"});
            http(collector, "connect", cluster_.connect_urls);
        }
        for (const std::string& url : cluster_.flink_urls) {
            options_.progress("Flink " + shown_address(url));
            FlinkCollector collector({.cluster = cluster_.name,
                                      .url = url,
                                      .target = cluster_.name + "/flink/" + authority_of(url),
                                      .jobs_max = options_.jobs_max});
            http(collector, "flink", {url});
        }
        if (!cluster_.prometheus.url.empty()) prometheus();
        for (NodeCollectorOptions& sidecar : sidecars_of(cluster_)) {
            const std::string url = sidecar.url;
            options_.progress("sidecar " + shown_address(url));
            NodeCollector collector(std::move(sidecar));
            http(collector, "node", {url});
            note_sidecar(url);
        }
        pages();
        look_.calls = summed(std::move(look_.calls));
    }

private:
    void kafka() {
        options_.progress("Kafka");
        TellingReader reader(outside_.kafka(cluster_), outside_);
        KafkaCollector collector(
            {.cluster = cluster_.name, .target = cluster_.name + "/kafka", .groups_max = options_.groups_max});
        look_.observations.push_back(collector.look(reader, look_.at));
        look_.kafka_cluster_id = reader.cluster_id();
        look_.groups = reader.described();
        for (Call& call : reader.calls()) look_.calls.push_back(std::move(call));
        const bool answered = look_.observations.back().outcome != ScrapeOutcome::failed;
        const auto versions = answered ? outside_.kafka_versions(cluster_) : fail(ErrorCode::unavailable, "not asked");
        if (!versions) return;
        for (const auto& [broker, answer] : *versions)
            if (answer && answer->error == wire::KafkaError::none)
                look_.broker_versions[broker] = kafka_release(*answer);
    }

    void prometheus() {
        options_.progress("Prometheus");
        std::set<std::string, std::less<>> watched;
        if (!cluster_.kafka.bootstrap.empty()) watched.insert("kafka");
        if (!cluster_.connect_urls.empty()) watched.insert("connect");
        if (!cluster_.flink_urls.empty()) watched.insert("flink");
        PrometheusCollector collector({.cluster = cluster_.name,
                                       .url = cluster_.prometheus.url,
                                       .match = cluster_.prometheus.match,
                                       .target = cluster_.name + "/prometheus",
                                       .watched = std::move(watched)});
        http(collector, "prometheus", {cluster_.prometheus.url});
    }

    // The collector's questions, round by round: each answer may lead to more.
    void http(HttpCollector& collector, const std::string& part, const std::vector<std::string>& bases) {
        std::vector<HttpAsk> asks = collector.begin(look_.at);
        std::size_t asked = 0;
        for (std::size_t round = 0; !asks.empty() && round < options_.rounds_max && asked < options_.asks_max;
             ++round) {
            if (asks.size() > options_.asks_max - asked) asks.resize(options_.asks_max - asked);
            asked += asks.size();
            std::vector<Get> requests;
            for (const HttpAsk& ask : asks) requests.push_back({.url = ask.url, .cluster = cluster_.name});
            const auto answers = outside_.get(requests);
            std::vector<HttpAsk> more;
            for (std::size_t i = 0; i < asks.size(); ++i) {
                const auto found =
                    std::ranges::find_if(bases, [&](const std::string& one) { return asks[i].url.starts_with(one); });
                const std::string& base = found == bases.end() ? bases.front() : *found;
                take(part, base, asks[i].url, answers[i]);
                for (HttpAsk& next : collector.answer(asks[i], answers[i].answer)) more.push_back(std::move(next));
            }
            asks = std::move(more);
        }
        look_.observations.push_back(collector.finish());
    }

    // An answer that is no look at the nodes counts as none.
    void note_sidecar(const std::string& url) {
        const Observation& seen = look_.observations.back();
        for (Call& call : look_.calls)
            if (call.part == "node" && call.target == shown_address(url) &&
                (call.outcome != Call::Outcome::answered || seen.outcome != ScrapeOutcome::complete)) {
                if (call.outcome != Call::Outcome::refused) call.outcome = Call::Outcome::failed;
                call.detail = seen.error;
            }
    }

    void take(const std::string& part, const std::string& base, const std::string& url, const Got& got) {
        look_.calls.push_back(call_of(part, base, url, got));
        if (got.server_time) look_.skews.push_back({shown_address(base), got.at - *got.server_time - got.took / 2});
        constexpr std::size_t bodies_max = 5'000;
        if (got.answer && got.answer->status == 200 && is_kept(url, base) && look_.bodies.size() < bodies_max)
            look_.bodies[without_query(url)] = got.answer->body;
    }

    void pages() {
        if (cluster_.pages.empty()) return;
        options_.progress("metric pages");
        std::vector<Get> requests;
        for (const PageConfig& page : cluster_.pages)
            requests.push_back(
                {.url = page.url, .cluster = cluster_.name, .timeout = page_timeout, .body_bytes_max = page_bytes_max});
        const auto answers = outside_.get(requests);
        for (std::size_t i = 0; i < answers.size(); ++i) {
            look_.calls.push_back(call_of("metrics", cluster_.pages[i].url, cluster_.pages[i].url, answers[i]));
            look_.pages.push_back(read_page(cluster_.pages[i], answers[i], cluster_.name));
        }
    }

    Outside& outside_;
    const ClusterConfig& cluster_;
    const LookOptions& options_;
    ClusterLook& look_;
};

bool is_id(std::string_view part) {
    constexpr std::size_t flink_id_digits = 32;
    const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    return part.size() == flink_id_digits && std::ranges::all_of(part, hex);
}

}  // namespace

const Observation* ClusterLook::observation(std::string_view target_ends_with) const {
    const auto found = std::ranges::find_if(
        observations, [&](const Observation& one) { return one.target.ends_with(target_ends_with); });
    return found == observations.end() ? nullptr : &*found;
}

std::set<std::string> ClusterLook::series() const {
    std::set<std::string> names;
    for (const Observation& one : observations)
        for (const auto& [labels, value] : one.samples) names.emplace(labels.name());
    for (const PageLook& page : pages) names.insert(page.series.begin(), page.series.end());
    return names;
}

ClusterLook look_once(Outside& outside, const ClusterConfig& cluster, const LookOptions& options) {
    ClusterLook look;
    look.cluster = cluster.name;
    look.at = outside.now().wall;
    Looker(outside, cluster, options, look).run();
    return look;
}

std::string shown_address(std::string_view url) {
    const std::string authority = authority_of(url);
    const auto user = authority.rfind('@');
    return user == std::string::npos ? authority : authority.substr(user + 1);
}

std::string call_shape(std::string_view url) {
    if (const auto scheme = url.find("://"); scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
    const auto slash = url.find('/');
    std::string_view path = slash == std::string_view::npos ? "/" : url.substr(slash);
    path = path.substr(0, path.find('?'));
    std::string out, before;
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string part(path.substr(0, path.find('/')));
        path.remove_prefix(part.size());
        const bool object = is_id(part) || before == "connectors" || before == "taskmanagers";
        out += '/' + (object ? ":id" : part);
        before = part;
    }
    return out;
}

std::vector<Call> summed(std::vector<Call> calls) {
    std::vector<Call> all;
    for (Call& call : calls) {
        const auto known = std::ranges::find_if(all, [&](const Call& one) {
            return one.part == call.part && one.target == call.target && one.name == call.name;
        });
        if (known == all.end()) {
            all.push_back(std::move(call));
            continue;
        }
        known->count += call.count;
        known->bytes += call.bytes;
        known->took = std::max(known->took, call.took);
        if (known->outcome == Call::Outcome::answered && call.outcome != Call::Outcome::answered) {
            known->outcome = call.outcome;
            known->detail = call.detail;
        }
    }
    return all;
}

}  // namespace medic::discovery

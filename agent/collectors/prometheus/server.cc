#include "agent/collectors/prometheus/server.h"

#include <map>

#include "agent/base/foreign_json_internal.h"
#include "agent/base/url.h"
#include "agent/collectors/json_internal.h"

namespace medic {

using namespace json_read;

namespace {

// The broker's id at the end of a pod's name: my-cluster-kafka-0, my-cluster-pool-b-12. Strimzi names its pods so.
std::string id_in_pod(const std::string& pod) {
    const auto digits = pod.find_last_not_of("0123456789");
    if (digits == std::string::npos || digits + 1 == pod.size() || pod[digits] != '-') return "";
    return pod.substr(digits + 1);
}

std::string first_of(std::span<const PageLabel> labels, std::initializer_list<std::string_view> names) {
    for (const std::string_view name : names)
        for (const auto& [label, value] : labels)
            if (label == name && !value.empty()) return std::string(value);
    return "";
}

// What a server that refuses says of it; the body of an error is JSON too.
std::string refusal(const HttpAnswer& answer) {
    const Json body = foreign_json(answer.body);
    const std::string said = body.is_object() ? text(body, "error") : "";
    std::string result = fmt::format("HTTP status {}", answer.status);
    if (!said.empty()) result += ": " + said.substr(0, 300);
    if (answer.status == 401 || answer.status == 403) result += " (expected credentials that may query)";
    if (answer.status == 404) result += " (expected the address of a query API, without /api/v1)";
    return result;
}

// A query is long, and says nothing to whoever reads that a connection failed.
std::string without_query(std::string message, const std::string& url) {
    const auto at = message.find(url);
    if (at != std::string::npos) message.replace(at, url.size(), url.substr(0, url.find('?')));
    return message;
}

constexpr std::string_view purpose_batch = "batch", purpose_age = "age", purpose_targets = "targets";

}  // namespace

std::string with_matcher(const std::string& selector, const std::string& matcher) {
    const auto open = selector.find('{');
    const auto close = selector.rfind('}');
    std::string inner = open != std::string::npos && close != std::string::npos && close > open
                            ? selector.substr(open + 1, close - open - 1)
                            : "";
    while (!inner.empty() && (inner.front() == ' ' || inner.front() == ',')) inner.erase(0, 1);
    return "{" + matcher + (inner.empty() ? "" : "," + inner) + "}";
}

PageOwner owner_of_series(const std::string& cluster, const std::set<std::string, std::less<>>& watched,
                          std::span<const PageLabel> labels) {
    PageOwner owner{.cluster = cluster,
                    .node = first_of(labels, {"node", "instance"}),
                    .role = first_of(labels, {"role", "job"}),
                    .broker = first_of(labels, {"broker", "broker_id", "kafka_id", "node_id"}),
                    .worker = first_of(labels, {"worker", "instance"}),
                    .taskmanager = "",
                    .watched = watched};
    if (owner.broker.empty())
        owner.broker = id_in_pod(first_of(labels, {"pod", "kubernetes_pod_name", "strimzi_io_pod_name", "pod_name"}));
    return owner;
}

struct PrometheusCollector::Parsed {
    Json document;
    [[nodiscard]] const Json& result() const { return array(*member(document, "data"), "result"); }
};

PrometheusCollector::PrometheusCollector(PrometheusCollectorOptions options) : options_(std::move(options)) {
    const auto ask = [&](const std::string& query, std::string_view purpose) {
        asks_.push_back({options_.url + "/api/v1/query?query=" + url_encode(query), std::string(purpose)});
    };
    std::vector<std::string> batches;
    for (const std::string& name : CanonicalNames::built_in().page_names()) {
        if (batches.empty() || batches.back().size() + name.size() > options_.query_bytes_max) batches.emplace_back();
        (batches.back() += batches.back().empty() ? "" : "|") += name;
    }
    for (const auto& names : batches) ask(with_matcher(options_.match, "__name__=~\"" + names + "\""), purpose_batch);
    // By the server's own clock. Names with capitals and without are enough to find any exporter's.
    ask("time() - max(timestamp(" + with_matcher(options_.match, "__name__=~\"kafka_.+|flink_.+|jvm_.+|process_.+\"") +
            "))",
        purpose_age);
    ask(with_matcher(options_.match, "__name__=\"up\""), purpose_targets);
}

std::vector<HttpAsk> PrometheusCollector::begin(WallTime at) {
    observation_ = {};
    observation_.target = options_.target;
    observation_.at = at;
    sums_.clear();
    next_ = answered_ = 0;
    stale_ = false;
    return {asks_[next_++]};
}

std::vector<HttpAsk> PrometheusCollector::answer(const HttpAsk& ask, const Result<HttpAnswer>& answer) {
    std::vector<HttpAsk> following;
    if (next_ < asks_.size()) following.push_back(asks_[next_++]);
    if (answer && answer->status != 200) {
        observation_.lacks(refusal(*answer));
        if (answered_ == 0) following.clear();  // It answers nothing: the rest would be refused too.
        return following;
    }
    auto document = json_read::document(answer);
    if (!document) {
        observation_.lacks(without_query(document.error().message, ask.url));
        if (answered_ == 0) following.clear();
        return following;
    }
    const Json* data = member(*document, "data");
    if (data == nullptr || text(*data, "resultType") != "vector") {
        observation_.lacks("expected a vector from /api/v1/query: " + text(*document, "error"));
        return following;
    }
    ++answered_;
    for (const Json& warning : array(*document, "warnings"))
        if (warning.is_string()) observation_.lacks("a partial answer: " + warning.get<std::string>().substr(0, 200));
    const Parsed parsed{*std::move(document)};
    if (ask.purpose == purpose_batch)
        read_batch(parsed);
    else if (ask.purpose == purpose_age)
        read_age(parsed);
    else
        read_targets(parsed);
    return following;
}

void PrometheusCollector::read_batch(const Parsed& parsed) {
    const CanonicalNames& names = CanonicalNames::built_in();
    std::vector<PageLabel> labels;
    for (const Json& entry : parsed.result()) {
        const Json* metric = member(entry, "metric");
        const Json& value = array(entry, "value");
        if (metric == nullptr || !metric->is_object() || value.size() != 2 || !value[1].is_string()) continue;
        const auto number = number_in_text(value[1].get<std::string>());
        if (!number) continue;
        labels.clear();
        for (const auto& [name, label] : metric->items())
            if (label.is_string() && name != "__name__") labels.emplace_back(name, label.get_ref<const std::string&>());
        const std::string name = text(*metric, "__name__");
        const PageSample sample{.series = {}, .name = name, .labels = labels, .value = *number};
        const PageOwner owner = owner_of_series(options_.cluster, options_.watched, labels);
        for (auto& match : names.matches(sample, owner)) {
            if (match.sum)
                sums_[match.labels] += *number * match.scale;
            else
                observation_.samples.emplace_back(std::move(match.labels), *number * match.scale);
        }
        if (names.lacks_owner(sample, owner) && observation_.error.find("label `broker`") == std::string::npos)
            observation_.lacks("series without a label `broker`: add it in Prometheus by relabelling");
    }
}

void PrometheusCollector::read_age(const Parsed& parsed) {
    if (parsed.result().empty()) return;
    const Json& value = array(parsed.result()[0], "value");
    const auto age_s =
        value.size() == 2 && value[1].is_string() ? number_in_text(value[1].get<std::string>()) : std::nullopt;
    if (!age_s || *age_s * 1000 <= static_cast<double>(options_.age_max.count())) return;
    stale_ = true;
    observation_.lacks(
        fmt::format("the newest sample of the cluster is {:.0f} s old: does Prometheus still scrape it?", *age_s));
}

void PrometheusCollector::read_targets(const Parsed& parsed) {
    constexpr std::size_t named_max = 5;
    std::size_t down = 0;
    std::string named;
    for (const Json& entry : parsed.result()) {
        const Json& value = array(entry, "value");
        const Json* metric = member(entry, "metric");
        if (metric == nullptr || value.size() != 2 || value[1] != "0") continue;
        if (++down > named_max) continue;
        const std::string job = text(*metric, "job");
        (named += named.empty() ? "" : ", ") += text(*metric, "instance") + (job.empty() ? "" : " (job " + job + ")");
    }
    if (down > 0)
        observation_.lacks(
            fmt::format("Prometheus cannot scrape {} of {} targets: {}", down, parsed.result().size(), named));
}

Observation PrometheusCollector::finish() {
    for (auto& [series, sum] : sums_) observation_.samples.emplace_back(series, sum);
    if (stale_) observation_.samples.clear();  // What was is not what is.
    if (answered_ > 0 && !stale_ && observation_.samples.empty())
        observation_.lacks("no series of the cluster; does `match` select any?");
    if (observation_.samples.empty() && (answered_ == 0 || stale_)) observation_.outcome = ScrapeOutcome::failed;
    return std::move(observation_);
}

}  // namespace medic

#include "agent/collectors/prometheus/server.h"

#include <cctype>
#include <map>

#include "agent/collectors/json_internal.h"

namespace medic {

using namespace json_read;

namespace {

std::string url_escaped(const std::string& text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || c == '-' || c == '_' || c == '.' || c == '~') {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return out;
}

// Labels that scrape configurations usually carry: whose page a series was on.
PageOwner owner_of(const PrometheusCollectorOptions& options, const Json& metric) {
    PageOwner owner{.cluster = options.cluster,
                    .node = "",
                    .role = "",
                    .broker = "",
                    .worker = "",
                    .taskmanager = "",
                    .watched = options.watched};
    for (const char* label : {"broker", "broker_id", "kafka_id"})
        if (owner.broker.empty()) owner.broker = text(metric, label);
    owner.worker = text(metric, "worker").empty() ? text(metric, "instance") : text(metric, "worker");
    owner.node = text(metric, "node").empty() ? text(metric, "instance") : text(metric, "node");
    owner.role = text(metric, "role").empty() ? text(metric, "job") : text(metric, "role");
    return owner;
}

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

PrometheusCollector::PrometheusCollector(PrometheusCollectorOptions options) : options_(std::move(options)) {
    std::string names;
    for (const std::string& name : CanonicalNames::built_in().page_names()) (names += names.empty() ? "" : "|") += name;
    query_url_ = options_.url +
                 "/api/v1/query?query=" + url_escaped(with_matcher(options_.match, "__name__=~\"" + names + "\""));
}

std::vector<HttpAsk> PrometheusCollector::begin(WallTime at) {
    observation_ = {};
    observation_.target = options_.target;
    observation_.at = at;
    observation_.outcome = ScrapeOutcome::failed;
    return {{query_url_, "query"}};
}

std::vector<HttpAsk> PrometheusCollector::answer(const HttpAsk&, const Result<HttpAnswer>& answer) {
    const auto document = json_read::document(answer);
    if (!document) {
        observation_.error = document.error().message;
        return {};
    }
    const Json* data = member(*document, "data");
    if (data == nullptr || text(*data, "resultType") != "vector") {
        observation_.error = "expected a vector from /api/v1/query: " + text(*document, "error");
        return {};
    }
    observation_.outcome = ScrapeOutcome::complete;
    const CanonicalNames& names = CanonicalNames::built_in();
    std::map<Labels, double> sums;
    std::vector<PageLabel> labels;
    for (const Json& entry : array(*data, "result")) {
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
        const PageOwner owner = owner_of(options_, *metric);
        for (auto& match : names.matches(sample, owner)) {
            if (match.sum)
                sums[match.labels] += *number * match.scale;
            else
                observation_.samples.emplace_back(std::move(match.labels), *number * match.scale);
        }
        if (names.lacks_owner(sample, owner))
            observation_.lacks("series without a label `broker`: add it in Prometheus by relabelling");
    }
    for (auto& [series, sum] : sums) observation_.samples.emplace_back(series, sum);
    if (observation_.samples.empty()) observation_.lacks("no series of the cluster; does `match` select any?");
    return {};
}

}  // namespace medic

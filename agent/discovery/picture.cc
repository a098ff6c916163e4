#include "agent/discovery/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/base/foreign_json_internal.h"
#include "agent/base/redact.h"
#include "agent/discovery/draw_internal.h"

namespace medic::discovery {
namespace {

// Series are looked up thousands of times: they are gone through once, in the order of the labels asked for.
bool carries(const Labels& labels, const std::vector<LabelPair>& wanted) {
    return std::ranges::all_of(wanted, [&](const LabelPair& pair) { return labels.get(pair.first) == pair.second; });
}

bool is_whole(const Observation* observation) {
    return observation != nullptr && observation->outcome == ScrapeOutcome::complete;
}

void problems_of(const ClusterLook& look, Picture& picture) {
    for (const Observation& one : look.observations) {
        if (one.outcome == ScrapeOutcome::complete || one.error.empty()) continue;
        std::string target = one.target;
        if (target.starts_with(look.cluster + "/")) target.erase(0, look.cluster.size() + 1);
        picture.problems.push_back(target + ": " + redact(one.error));
    }
    for (const PageLook& page : look.pages)
        if (!page.error.empty())
            picture.problems.push_back("page " + shown_address(page.config.url) + ": " + page.error);
}

}  // namespace

std::string_view to_string(Sure sure) {
    switch (sure) {
        case Sure::told: return "told";
        case Sure::likely: return "likely";
        case Sure::guess: return "guess";
    }
    return "";
}

std::optional<double> Facts::value(std::string_view name, const std::vector<LabelPair>& labels) const {
    for (const auto& [series, sample] : observation_.samples)
        if (series.name() == name && carries(series, labels)) return sample;
    return std::nullopt;
}

std::string Facts::attribute(const Subject& subject, const std::string& name) const {
    const auto found = observation_.attributes.find(subject);
    if (found == observation_.attributes.end()) return "";
    const auto value = found->second.find(name);
    return value == found->second.end() ? "" : value->second;
}

std::vector<std::string> Facts::names(std::string_view kind) const {
    std::vector<std::string> all;
    for (const auto& [subject, attributes] : observation_.attributes)
        if (subject.kind == kind) all.push_back(subject.name);
    return all;
}

std::vector<std::string> Facts::related(const Subject& from, std::string_view kind) const {
    std::set<std::string> all;
    for (const Relation& relation : observation_.relations)
        if (relation.kind == kind && relation.from == from) all.insert(relation.to.name);
    return {all.begin(), all.end()};
}

const Job* Picture::job(std::string_view name) const {
    for (const FlinkCluster& flink : flinks)
        for (const Job& one : flink.jobs)
            if (one.name == name) return &one;
    return nullptr;
}

json_read::Json body_of(const ClusterLook& look, const std::string& url) {
    const auto found = look.bodies.find(url);
    return found == look.bodies.end() ? json_read::Json(json_read::Json::value_t::discarded)
                                      : foreign_json(found->second);
}

Picture draw(Outside& outside, const ClusterConfig& cluster, const ClusterLook& look) {
    Picture picture;
    picture.cluster = cluster.name;
    picture.at = look.at;
    picture.kafka_cluster_id = look.kafka_cluster_id;
    picture.pages = look.pages;
    problems_of(look, picture);
    draw_kafka(look, picture);
    draw_connect(outside, cluster, look, picture);
    draw_flink(outside, cluster, look, picture);
    picture.kafka_whole = is_whole(look.observation("/kafka"));
    picture.connect_whole = is_whole(look.observation("/connect"));
    picture.flink_whole =
        !cluster.flink_urls.empty() && std::ranges::all_of(cluster.flink_urls, [&](const std::string& url) {
            return is_whole(look.observation("/flink/" + shown_address(url)));
        });
    tie_groups(picture);
    if (const Observation* seen = look.observation("/prometheus"); is_whole(seen)) {
        std::set<std::string_view> names;
        for (const auto& [labels, value] : seen->samples) names.insert(labels.name());
        picture.notes.push_back(fmt::format("Prometheus at {} tells {} of the series that rules read, with match {}",
                                            shown_address(cluster.prometheus.url), names.size(),
                                            cluster.prometheus.match));
    }
    return picture;
}

}  // namespace medic::discovery

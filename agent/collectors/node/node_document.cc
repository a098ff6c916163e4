#include "agent/collectors/node/node_document.h"

#include <cmath>

#include "agent/base/foreign_json_internal.h"
#include "agent/base/redact.h"
#include "agent/collectors/json_internal.h"

namespace medic {

using namespace json_read;

namespace {

constexpr int schema = 1;
constexpr std::size_t entries_max = 10'000;  // Of each list; a host runs a few nodes and some hundred tasks.
constexpr std::size_t text_bytes_max = 1'024;
constexpr std::size_t labels_max = 16;

const char* word(ScrapeOutcome outcome) {
    switch (outcome) {
        case ScrapeOutcome::complete: return "complete";
        case ScrapeOutcome::partial: return "partial";
        case ScrapeOutcome::failed: break;
    }
    return "failed";
}

std::string name_of(const Subject& subject) { return subject.kind + "/" + subject.name; }

Json samples_json(const Observation& observation) {
    Json all = Json::array();
    for (const auto& [labels, value] : observation.samples) {
        if (!std::isfinite(value)) continue;
        Json pairs = Json::object();
        for (const auto& [name, text] : labels.pairs())
            if (name != "__name__" && name != "cluster") pairs[name] = text;
        all.push_back({{"name", std::string(labels.name())}, {"labels", std::move(pairs)}, {"value", value}});
    }
    return all;
}

Json told_json(const NodesTold& told) {
    const Observation& observation = told.observation;
    Json nodes = Json::array(), relations = Json::array(), attributes = Json::array();
    for (const auto& [node, actions] : told.actions) nodes.push_back({{"node", node}, {"actions", actions}});
    for (const Relation& one : observation.relations)
        relations.push_back({{"from", name_of(one.from)}, {"kind", one.kind}, {"to", name_of(one.to)}});
    for (const auto& [subject, values] : observation.attributes)
        attributes.push_back({{"subject", name_of(subject)}, {"values", values}});
    return {{"cluster", told.cluster},
            {"taken_at_ms", observation.at.unix_ms},
            {"age_ms", told.age.count()},
            {"outcome", word(observation.outcome)},
            {"error", observation.error},
            {"nodes", std::move(nodes)},
            {"samples", samples_json(observation)},
            {"relations", std::move(relations)},
            {"attributes", std::move(attributes)}};
}

// A text that is short enough to be a name or a value; else "".
std::string short_text(const Json& value) {
    if (!value.is_string()) return "";
    const auto& text = value.get_ref<const std::string&>();
    return text.size() <= text_bytes_max ? text : "";
}

std::map<std::string, std::string> short_texts(const Json* object, std::size_t max) {
    std::map<std::string, std::string> out;
    if (object == nullptr || !object->is_object() || object->size() > max) return out;
    for (const auto& [name, value] : object->items())
        if (name.size() <= text_bytes_max && value.is_string()) out[name] = short_text(value);
    return out;
}

void read_samples(const Json& part, NodesTold& told) {
    for (const Json& one : array(part, "samples")) {
        const auto value = number(one, "value");
        const std::string name = text(one, "name");
        if (!value || !std::isfinite(*value) || name.empty() || name.size() > text_bytes_max) continue;
        std::vector<LabelPair> labels = {{"cluster", told.cluster}};
        for (auto& [label, text] : short_texts(member(one, "labels"), labels_max))
            if (label != "cluster" && label != "__name__") labels.emplace_back(label, text);
        told.observation.sample(name, std::move(labels), *value);
        if (told.observation.samples.size() >= entries_max) return;
    }
}

void read_topology(const Json& part, NodesTold& told) {
    const auto subject = [&](const std::string& text) { return parse_subject(told.cluster, text); };
    for (const Json& one : array(part, "relations")) {
        Relation relation{subject(text(one, "from")), text(one, "kind"), subject(text(one, "to"))};
        if (relation.from.kind.empty() || relation.to.kind.empty() || relation.kind.empty()) continue;
        told.observation.relations.push_back(std::move(relation));
        if (told.observation.relations.size() >= entries_max) break;
    }
    for (const Json& one : array(part, "attributes")) {
        const std::string name = text(one, "subject");
        const Subject about = name.size() <= text_bytes_max ? subject(name) : Subject{};
        if (about.kind.empty()) continue;
        told.observation.attributes[about] = short_texts(member(one, "values"), labels_max);
        if (told.observation.attributes.size() >= entries_max) break;
    }
}

NodesTold read_part(const Json& part, const std::string& cluster) {
    NodesTold told{.cluster = cluster, .observation = {}};
    const std::string outcome = text(part, "outcome");
    told.observation.outcome = outcome == "complete"  ? ScrapeOutcome::complete
                               : outcome == "partial" ? ScrapeOutcome::partial
                                                      : ScrapeOutcome::failed;
    told.observation.error = redact(text(part, "error"), Observation::errors_bytes_max);
    told.observation.at = {integer(part, "taken_at_ms").value_or(0)};
    // What does not say how old it is can't be relied on.
    told.age = Duration{integer(part, "age_ms").value_or(-1)};
    for (const Json& node : array(part, "nodes")) {
        const std::string name = text(node, "node");
        if (name.empty() || name.size() > text_bytes_max || told.actions.size() >= entries_max) continue;
        auto& actions = told.actions[name];
        for (const Json& action : array(node, "actions"))
            if (!short_text(action).empty() && actions.size() < labels_max) actions.push_back(short_text(action));
    }
    read_samples(part, told);
    read_topology(part, told);
    return told;
}

}  // namespace

std::string nodes_document(const std::vector<NodesTold>& all) {
    Json clusters = Json::array();
    for (const NodesTold& one : all) clusters.push_back(told_json(one));
    const Json document = {{"schema", schema}, {"clusters", std::move(clusters)}};
    return document.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<NodesTold> read_nodes_document(std::string_view text, const std::string& cluster) {
    const Json document = foreign_json(text);
    const auto version = integer(document, "schema");
    if (!version || member(document, "clusters") == nullptr)
        return fail(ErrorCode::invalid, "expected the nodes of a sidecar (`scope: node`), got something else");
    if (*version != schema)
        return fail(ErrorCode::invalid,
                    "its answer has schema {}, expected {}: sidecar and agent are of versions that "
                    "don't fit",
                    *version, schema);
    for (const Json& part : array(document, "clusters"))
        if (json_read::text(part, "cluster") == cluster) return read_part(part, cluster);
    return fail(ErrorCode::invalid, "it has no nodes of a cluster `{}`: the cluster must have the same name there",
                cluster);
}

}  // namespace medic

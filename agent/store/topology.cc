#include "agent/store/topology.h"

#include <algorithm>
#include <set>

namespace medic {

void Topology::replace(std::string_view source, std::vector<Relation> relations,
                       std::map<Subject, std::map<std::string, std::string>> attributes, WallTime at) {
    if (relations.empty() && attributes.empty()) {
        if (const auto known = sources_.find(source); known != sources_.end()) sources_.erase(known);
        return;
    }
    sources_.insert_or_assign(std::string(source), Source{at, std::move(relations), std::move(attributes)});
}

std::vector<Subject> Topology::from(const Subject& subject, std::string_view kind) const {
    std::set<Subject> found;
    for (const auto& [name, source] : sources_)
        for (const auto& relation : source.relations)
            if (relation.from == subject && relation.kind == kind) found.insert(relation.to);
    return {found.begin(), found.end()};
}

std::vector<Subject> Topology::to(const Subject& subject, std::string_view kind) const {
    std::set<Subject> found;
    for (const auto& [name, source] : sources_)
        for (const auto& relation : source.relations)
            if (relation.to == subject && relation.kind == kind) found.insert(relation.from);
    return {found.begin(), found.end()};
}

std::vector<Subject> Topology::all(std::string_view cluster, std::string_view kind) const {
    std::set<Subject> found;
    const auto add = [&](const Subject& subject) {
        if (subject.cluster == cluster && subject.kind == kind) found.insert(subject);
    };
    for (const auto& [name, source] : sources_) {
        for (const auto& relation : source.relations) {
            add(relation.from);
            add(relation.to);
        }
        for (const auto& [subject, attributes] : source.attributes) add(subject);
    }
    return {found.begin(), found.end()};
}

std::optional<std::string> Topology::attribute(const Subject& subject, std::string_view name) const {
    // Two sources may both know it: the one that looked last wins.
    const Source* newest = nullptr;
    const std::string* value = nullptr;
    for (const auto& [source_name, source] : sources_) {
        const auto attributes = source.attributes.find(subject);
        if (attributes == source.attributes.end() || (newest != nullptr && newest->at >= source.at)) continue;
        const auto found = attributes->second.find(std::string(name));
        if (found == attributes->second.end()) continue;
        newest = &source;
        value = &found->second;
    }
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

}  // namespace medic

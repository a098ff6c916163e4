#include "agent/store/topology.h"

#include <algorithm>

namespace medic {
namespace {

std::vector<Subject> subjects(const std::map<Subject, std::uint32_t>& counted) {
    std::vector<Subject> all;
    all.reserve(counted.size());
    for (const auto& [subject, times] : counted) all.push_back(subject);
    return all;
}

template <class Map, class Key>
std::vector<Subject> subjects_at(const Map& map, const Key& key) {
    const auto found = map.find(key);
    return found == map.end() ? std::vector<Subject>() : subjects(found->second);
}

}  // namespace

void Topology::replace(std::string_view source, std::vector<Relation> relations, Attributes attributes, WallTime at) {
    const auto before = sources_.find(source);
    if (before != sources_.end()) {
        if (before->second.relations == relations && before->second.attributes == attributes) {
            before->second.at = at;
            return;
        }
        index(before->second, Change::remove);
    }
    if (relations.empty() && attributes.empty()) {
        if (before == sources_.end()) return;
        sources_.erase(before);
    } else {
        Source& now = before != sources_.end() ? before->second : sources_[std::string(source)];
        now = {at, std::move(relations), std::move(attributes)};
        index(now, Change::add);
    }
    ++generation_;
}

// The entry of a subject, and how often the subject is named counted up or down.
Topology::Known& Topology::known(const Subject& subject, Change change) {
    auto& named = by_kind_[{subject.cluster, subject.kind}];
    if (change == Change::add) {
        ++named[subject];
    } else if (const auto found = named.find(subject); found != named.end() && --found->second == 0) {
        named.erase(found);
    }
    return known_[subject];
}

void Topology::forget_if_empty(const Subject& subject) {
    const auto found = known_.find(subject);
    if (found != known_.end() && found->second.ahead.empty() && found->second.behind.empty() &&
        found->second.told_by.empty())
        known_.erase(found);
    const auto named = by_kind_.find({subject.cluster, subject.kind});
    if (named != by_kind_.end() && named->second.empty()) by_kind_.erase(named);
}

void Topology::index(const Source& source, Change change) {
    const auto count = [&](std::map<std::string, Counted, std::less<>>& kinds, const std::string& kind,
                           const Subject& subject) {
        if (change == Change::add) {
            ++kinds[kind][subject];
            return;
        }
        const auto counted = kinds.find(kind);
        if (counted == kinds.end()) return;
        const auto found = counted->second.find(subject);
        if (found != counted->second.end() && --found->second == 0) counted->second.erase(found);
        if (counted->second.empty()) kinds.erase(counted);
    };
    for (const Relation& relation : source.relations) {
        count(known(relation.from, change).ahead, relation.kind, relation.to);
        count(known(relation.to, change).behind, relation.kind, relation.from);
    }
    for (const auto& [subject, values] : source.attributes) {
        auto& told_by = known(subject, change).told_by;
        if (change == Change::add)
            told_by.push_back(&source);
        else
            std::erase(told_by, &source);
    }
    if (change == Change::add) return;
    for (const Relation& relation : source.relations) {
        forget_if_empty(relation.from);
        forget_if_empty(relation.to);
    }
    for (const auto& [subject, values] : source.attributes) forget_if_empty(subject);
}

std::vector<Subject> Topology::from(const Subject& subject, std::string_view kind) const {
    const auto found = known_.find(subject);
    return found == known_.end() ? std::vector<Subject>() : subjects_at(found->second.ahead, kind);
}

std::vector<Subject> Topology::to(const Subject& subject, std::string_view kind) const {
    const auto found = known_.find(subject);
    return found == known_.end() ? std::vector<Subject>() : subjects_at(found->second.behind, kind);
}

std::vector<Subject> Topology::all(std::string_view cluster, std::string_view kind) const {
    return subjects_at(by_kind_, std::pair(std::string(cluster), std::string(kind)));
}

std::optional<std::string> Topology::attribute(const Subject& subject, std::string_view name) const {
    const auto found = known_.find(subject);
    if (found == known_.end()) return std::nullopt;
    // Two sources may both know it: the one that looked last wins.
    const Source* newest = nullptr;
    const std::string* value = nullptr;
    const std::string key(name);
    for (const Source* source : found->second.told_by) {
        if (newest != nullptr && newest->at >= source->at) continue;
        const auto& attributes = source->attributes.at(subject);
        const auto told = attributes.find(key);
        if (told == attributes.end()) continue;
        newest = source;
        value = &told->second;
    }
    return value != nullptr ? std::optional(*value) : std::nullopt;
}

}  // namespace medic

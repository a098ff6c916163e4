#include "agent/daemon/settings_memory.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

#include "agent/daemon/rise.h"

namespace medic {
namespace {

using Json = nlohmann::json;

constexpr std::size_t settings_bytes_max = 64 << 10;  // A remedy that must know them refuses more.

std::string text_of(const Json& document) { return document.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json json_of(const ConnectorSettings& settings) { return {{"kept", settings.kept}, {"withheld", settings.withheld}}; }

ConnectorSettings settings_of(const Json& document) {
    return {.kept = document.at("kept").get<std::map<std::string, std::string>>(),
            .withheld = document.at("withheld").get<std::set<std::string>>()};
}

// What has to be set to come from `here` to `there`; null removes it.
Json way(const ConnectorSettings& here, const ConnectorSettings& there) {
    Json set = Json::object();
    for (const auto& [name, value] : there.kept) {
        const auto known = here.kept.find(name);
        if (known == here.kept.end() || known->second != value) set[name] = value;
    }
    for (const auto& [name, value] : here.kept)
        if (!there.kept.contains(name)) set[name] = nullptr;
    return set;
}

// Settings whose change can't be taken back without a value that is withheld.
std::set<std::string> out_of_reach(const SettingsMemory::Marked& good, const SettingsMemory::Marked& now) {
    std::set<std::string> names;
    std::ranges::set_symmetric_difference(good.settings.withheld, now.settings.withheld,
                                          std::inserter(names, names.end()));
    if (!good.marks || !now.marks) return names;
    for (const auto& [name, mark] : *now.marks)
        if (const auto known = good.marks->find(name); known != good.marks->end() && known->second != mark)
            names.insert(name);
    return names;
}

bool records_moved(const Subject& connector, const SeriesStore& series, WallTime from, WallTime to) {
    using Op = LabelMatcher::Op;
    return rose(series,
                {{"__name__", Op::equal, "connect_task_records_total"},
                 {"cluster", Op::equal, connector.cluster},
                 {"connector", Op::equal, connector.name}},
                from, to);
}

}  // namespace

void SettingsMemory::look(const std::string& cluster, const std::vector<ConnectorLook>& looks, bool whole,
                          const SeriesStore& series, WallTime at) {
    kept_.look(cluster, at);
    std::set<Subject> told;
    for (const ConnectorLook& seen : looks) {
        told.insert(seen.connector);
        look(seen, series, at);
    }
    if (!whole) return;
    std::erase_if(known_, [&](const auto& entry) {
        const bool gone = entry.first.cluster == cluster && !told.contains(entry.first);
        if (gone) kept_.gone(entry.first);
        return gone;
    });
}

void SettingsMemory::look(const ConnectorLook& seen, const SeriesStore& series, WallTime at) {
    if (!known_.contains(seen.connector) && known_.size() >= connectors_max) return;
    const auto [entry, is_new] = known_.try_emplace(seen.connector);
    Known& known = entry->second;
    const Marked now{seen.settings, seen.withheld_marks};
    const bool looked_before = known.now.marks.has_value();
    const bool others = looked_before ? known.now != now : known.now.settings != now.settings;
    if (others && !is_new) {
        const bool seen_lately = kept_.seen_lately(seen.connector.cluster, at);
        changed(known, looked_before || seen_lately ? at : WallTime{});
        kept_.changed(seen.connector);
    }
    if (others) known.since = at;
    known.now = now;
    if (std::exchange(known.ran, seen.runs) != seen.runs) kept_.changed(seen.connector);
    if (!seen.runs) {
        known.runs_since = {};
        return;
    }
    if (known.runs_since.unix_ms == 0) known.runs_since = at;
    const bool is_good = known.good && known.good->of == now;
    if (is_good ? known.changes == 0 : !proven(known, seen.connector, series, at)) return;
    known.good = Good{.of = now, .tasks = seen.tasks};
    known.changed_at = {};
    known.changes = 0;
    kept_.changed(seen.connector);
}

void SettingsMemory::changed(Known& known, WallTime at) {
    known.worked_until_then = known.ran;
    known.runs_since = {};
    known.changed_at = at;
    ++known.changes;
}

bool SettingsMemory::proven(const Known& known, const Subject& connector, const SeriesStore& series, WallTime at) {
    // After a restart of the agent the same settings prove anew that what is withheld in them is still good.
    const bool same = !known.good || known.good->of.settings == known.now.settings;
    const WallTime from = std::max(known.since, known.runs_since);
    return at - from >= (same && known.changes == 0 ? first_good_after : next_good_after) &&
           records_moved(connector, series, from, at);
}

void SettingsMemory::tell(const Subject& connector, std::map<std::string, std::string>& attributes) const {
    const auto found = known_.find(connector);
    if (found == known_.end()) return;
    const Known& known = found->second;
    attributes["configuration"] = hash_of(known.now.settings);
    if (attributes.contains("failed_tasks"))
        if (std::string all = text_of(json_of(known.now.settings)); all.size() <= settings_bytes_max)
            attributes["settings"] = std::move(all);
    std::string& change = attributes["settings_change"];
    if (!known.good) {
        change = "unknown";
        return;
    }
    const ConnectorSettings &now = known.now.settings, &good = known.good->of.settings;
    const auto lost = out_of_reach(known.good->of, known.now);
    if (good == now && lost.empty()) return;
    change = text_of({{"from", hash_of(now)},
                      {"to", hash_of(good)},
                      {"back", way(now, good)},
                      {"forth", way(good, now)},
                      {"tasks", known.good->tasks},
                      {"changed_at", known.changed_at.unix_ms},
                      {"changes", known.changes},
                      {"worked", known.worked_until_then},
                      {"withheld", lost},
                      // Where none is withheld there is nothing that could have changed unseen.
                      {"withheld_known", good.withheld.empty() || known.good->of.marks.has_value()}});
}

std::string SettingsMemory::detail(const Known& known) {
    Json document = {{"now", json_of(known.now.settings)},
                     {"changed_at", known.changed_at.unix_ms},
                     {"changes", known.changes},
                     {"ran", known.ran},
                     {"worked", known.worked_until_then}};
    if (known.good) document["good"] = {{"settings", json_of(known.good->of.settings)}, {"tasks", known.good->tasks}};
    return text_of(document);
}

std::vector<KeptRow> SettingsMemory::take_changed() {
    return kept_.take([&](const Subject& connector) { return detail(known_.at(connector)); });
}

void SettingsMemory::recall(const KeptRow& row) {
    if (row.detail.empty() || known_.size() >= connectors_max) return;
    try {
        const Json document = Json::parse(row.detail);
        if (row.subject.name.empty()) {
            kept_.recall(row.subject.cluster, {document.get<std::int64_t>()});
            return;
        }
        Known known;
        known.now.settings = settings_of(document.at("now"));
        known.changed_at = {document.at("changed_at").get<std::int64_t>()};
        known.changes = document.at("changes").get<std::size_t>();
        known.ran = document.at("ran").get<bool>();
        known.worked_until_then = document.at("worked").get<bool>();
        if (const auto good = document.find("good"); good != document.end())
            known.good = Good{.of = {.settings = settings_of(good->at("settings")), .marks = {}},
                              .tasks = good->at("tasks").get<std::size_t>()};
        known_[row.subject] = std::move(known);
    } catch (const Json::exception&) {
        known_.erase(row.subject);
    }
}

}  // namespace medic

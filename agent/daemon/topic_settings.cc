#include "agent/daemon/topic_settings.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/daemon/rise.h"
#include "agent/store/kafka_words.h"

namespace medic {
namespace {

using Json = nlohmann::json;

// Whose change may explain a fault.
constexpr std::array watched = {"retention.ms", "retention.bytes", "min.insync.replicas"};
// Whether a topic was written to until it was changed: as far back as this.
constexpr Duration written_lately{2 * 60'000};

bool written(const Subject& topic, const SeriesStore& series, WallTime from, WallTime to) {
    using Op = LabelMatcher::Op;
    return rose(series,
                {{"__name__", Op::equal, "kafka_partition_log_end_offset"},
                 {"cluster", Op::equal, topic.cluster},
                 {"topic", Op::equal, topic.name}},
                from, to);
}

template <class Settings>
Json json_of(const Settings& settings) {
    Json all = Json::object();
    for (const auto& [name, setting] : settings) all[name] = {{"value", setting.value}, {"own", setting.own}};
    return all;
}

template <class Settings>
Settings settings_of(const Json& document) {
    Settings all;
    for (const auto& [name, setting] : document.items())
        all[name] = {setting.at("value").template get<std::string>(), setting.at("own").template get<bool>()};
    return all;
}

std::string text_of(const Json& document) { return document.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

TopicSettingsMemory::Settings TopicSettingsMemory::settings_in(const Attributes& attributes) {
    Settings all;
    const auto overridden = attributes.find(std::string(own_settings));
    for (const char* name : watched)
        if (const auto told = attributes.find(name); told != attributes.end())
            all[name] = {told->second, overridden != attributes.end() && lists(overridden->second, name)};
    return all;
}

void TopicSettingsMemory::look(const std::string& cluster, const std::map<Subject, Attributes>& told, bool whole,
                               const SeriesStore& series, WallTime at) {
    kept_.look(cluster, at);
    for (const auto& [subject, attributes] : told) {
        if (subject.kind != "topic" || subject.cluster != cluster) continue;
        // Settings are read less often than topics are seen.
        if (Settings settings = settings_in(attributes); !settings.empty())
            look(subject, std::move(settings), series, at);
    }
    if (!whole) return;
    std::erase_if(known_, [&](const auto& entry) {
        const bool gone = entry.first.cluster == cluster && !told.contains(entry.first);
        if (gone) kept_.gone(entry.first);
        return gone;
    });
}

void TopicSettingsMemory::look(const Subject& topic, Settings settings, const SeriesStore& series, WallTime at) {
    if (!known_.contains(topic) && known_.size() >= topics_max) return;
    const auto [entry, is_new] = known_.try_emplace(topic);
    Known& known = entry->second;
    const bool others = known.now != settings;
    if (others && !is_new) changed(topic, known, series, at);
    if (others || std::exchange(known.recalled, false))
        known.since = known.read_at = known.read_before = at, known.written = false;
    known.now = std::move(settings);
    const bool is_good = known.good == known.now;
    if (is_good && known.changes == 0) return;
    if (!is_good) {
        // Only what has come since the reading before the last one: a topic that nobody writes to is asked about for
        // ever.
        known.written = known.written || written(topic, series, known.read_before, at);
        known.read_before = std::exchange(known.read_at, at);
        const Duration needed = known.good ? next_topic_settings_after : first_topic_settings_after;
        if (at - known.since < needed || !known.written) return;
    }
    known.good = known.now;
    known.changed_at = {};
    known.changes = 0;
    kept_.changed(topic);
}

void TopicSettingsMemory::changed(const Subject& topic, Known& known, const SeriesStore& series, WallTime at) {
    const bool looked_before = !std::exchange(known.recalled, false);
    const bool seen_lately = kept_.seen_lately(topic.cluster, at);
    known.changed_at = looked_before || seen_lately ? at : WallTime{};
    // What was written before the restart nobody remembers: settings are good only by having been written under.
    known.worked_until_then = looked_before ? written(topic, series, at - written_lately, at) : known.good == known.now;
    ++known.changes;
    kept_.changed(topic);
}

// By name: what the topic had, what it has, and what brings it from one to the other (null: taken over from the
// brokers).
std::string TopicSettingsMemory::difference(const Known& known) {
    Json was = Json::object(), is = Json::object(), back = Json::object(), forth = Json::object();
    std::vector<std::string> of_brokers;  // Not the topic's own before and after: the brokers' setting was changed.
    for (const auto& [name, now] : known.now) {
        const auto good = known.good->find(name);
        if (good == known.good->end() || good->second == now) continue;
        was[name] = good->second.value;
        is[name] = now.value;
        if (!good->second.own && !now.own) {
            of_brokers.push_back(name);
            continue;
        }
        back[name] = good->second.own ? Json(good->second.value) : Json(nullptr);
        forth[name] = now.own ? Json(now.value) : Json(nullptr);
    }
    const Json all = {{"was", was},
                      {"is", is},
                      {"back", back},
                      {"forth", forth},
                      {"of_brokers", of_brokers},
                      {"changed_at", known.changed_at.unix_ms},
                      {"changes", known.changes},
                      {"worked", known.worked_until_then}};
    return text_of(all);
}

std::string TopicSettingsMemory::detail(const Known& known) {
    Json document = {{"now", json_of(known.now)},
                     {"changed_at", known.changed_at.unix_ms},
                     {"changes", known.changes},
                     {"worked", known.worked_until_then}};
    if (known.good) document["good"] = json_of(*known.good);
    return text_of(document);
}

std::vector<KeptRow> TopicSettingsMemory::take_changed() {
    return kept_.take([&](const Subject& topic) { return detail(known_.at(topic)); });
}

void TopicSettingsMemory::recall(const KeptRow& row) {
    if (row.detail.empty() || known_.size() >= topics_max) return;
    try {
        const Json document = Json::parse(row.detail);
        if (row.subject.name.empty()) {
            kept_.recall(row.subject.cluster, {document.get<std::int64_t>()});
            return;
        }
        Known known{.now = settings_of<Settings>(document.at("now")), .recalled = true};
        known.changed_at = {document.at("changed_at").get<std::int64_t>()};
        known.changes = document.at("changes").get<std::size_t>();
        known.worked_until_then = document.at("worked").get<bool>();
        if (const auto good = document.find("good"); good != document.end()) known.good = settings_of<Settings>(*good);
        known_[row.subject] = std::move(known);
    } catch (const Json::exception&) {
        known_.erase(row.subject);
    }
}

void TopicSettingsMemory::tell(const Subject& topic, Attributes& attributes) const {
    const auto found = known_.find(topic);
    if (found == known_.end()) return;
    const Known& known = found->second;
    std::string& change = attributes["settings_change"];
    if (!known.good)
        change = "unknown";
    else
        change = *known.good == known.now ? std::string(settings_unchanged) : difference(known);
    if (known.changes > 0 && known.worked_until_then && known.changed_at.unix_ms != 0)
        attributes[std::string(written_until)] = std::to_string(known.changed_at.unix_ms);
}

}  // namespace medic

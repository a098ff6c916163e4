#include "agent/daemon/snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/api/incident_view.h"
#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"

namespace medic {
namespace {

void add_events(const Timeline& timeline, const SnapshotOptions& options, Snapshot& out) {
    auto events = timeline.since(out.from);
    if (events.size() > options.events_max) {
        out.left_out.push_back(
            fmt::format("events: the {} oldest of {}", events.size() - options.events_max, events.size()));
        events.erase(events.begin(), events.end() - static_cast<std::ptrdiff_t>(options.events_max));
    }
    for (const Event* one : events)
        out.events += dump({{"at", rfc3339(one->at)},
                            {"subject", to_string(one->subject)},
                            {"kind", one->kind},
                            {"text", one->text},
                            {"fields", one->fields}});
}

void add_relations(const Knowledge& knowledge, const SnapshotOptions& options, Snapshot& out) {
    std::size_t told = 0;
    for (const Relation& one : knowledge.relations()) {
        if (++told > options.relations_max) continue;
        out.topology += dump({{"from", to_string(one.from)}, {"kind", one.kind}, {"to", to_string(one.to)}});
    }
    if (told > options.relations_max)
        out.left_out.push_back(fmt::format("relations: {} of {}", told - options.relations_max, told));
}

}  // namespace

Snapshot snapshot_of(const Knowledge& knowledge, WallTime now, const SnapshotOptions& options) {
    Snapshot out;
    out.to = now;
    out.from = now - options.last;
    add_events(knowledge.timeline(), options, out);
    add_relations(knowledge, options, out);
    const SeriesStore& store = knowledge.series();
    std::vector<SeriesId> all = store.select({});
    if (all.size() > options.series_max) {
        out.left_out.push_back(fmt::format("series: {} of {}", all.size() - options.series_max, all.size()));
        all.resize(options.series_max);
    }
    const std::size_t each = options.samples_max / std::max<std::size_t>(all.size(), 1);
    std::size_t cut = 0;
    std::vector<Sample> buffer;
    for (const SeriesId id : all) {
        auto samples = store.range(id, out.from, now, buffer);
        if (samples.empty()) continue;
        if (samples.size() > each) {
            samples = samples.last(each);
            ++cut;
        }
        Json labels = Json::object(), points = Json::array();
        const Labels known = store.labels(id);
        for (const auto& [name, value] : known.pairs()) labels[name] = value;
        for (const Sample& one : samples)
            points.push_back({one.at_ms, std::isfinite(one.value) ? Json(one.value) : Json()});
        out.series += dump({{"labels", labels}, {"samples", points}});
    }
    if (cut > 0) out.left_out.push_back(fmt::format("samples: {} series keep their newest {} only", cut, each));
    return out;
}

std::string snapshot_document(const Snapshot& snapshot) {
    return dump({{"schema", 1},
                 {"from", rfc3339(snapshot.from)},
                 {"to", rfc3339(snapshot.to)},
                 {"left_out", snapshot.left_out},
                 {"series", snapshot.series},
                 {"events", snapshot.events},
                 {"topology", snapshot.topology}});
}

Result<Snapshot> read_snapshot_document(std::string_view text) {
    const Json document = foreign_json(text);
    const auto said = [&](const char* key) {
        const auto found = document.find(key);
        return found != document.end() && found->is_string() ? found->get<std::string>() : std::string();
    };
    if (!document.is_object() || document.value("schema", Json()) != Json(1))
        return fail(ErrorCode::invalid, "no observations of schema 1");
    Snapshot out;
    out.series = said("series");
    out.events = said("events");
    out.topology = said("topology");
    out.from = read_rfc3339(said("from")).value_or(WallTime{});
    out.to = read_rfc3339(said("to")).value_or(WallTime{});
    for (const Json& one : document.value("left_out", Json::array()))
        if (one.is_string()) out.left_out.push_back(one.get<std::string>());
    return out;
}

}  // namespace medic

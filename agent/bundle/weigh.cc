#include "agent/bundle/weigh.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <sstream>

#include "agent/api/incident_view.h"
#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/daemon/brain.h"
#include "agent/daemon/owners.h"

namespace medic::bundle {
namespace {

const std::string& file_text(const std::vector<File>& files, const std::string& name) {
    static const std::string none;
    const auto found = std::ranges::find(files, name, &File::name);
    return found == files.end() ? none : found->text;
}

// The objects among a file's lines. Others are left: a stranger's file may hold anything.
template <typename Take>
void each_line(const std::string& text, Take take) {
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        if (const Json one = foreign_json(line); one.is_object()) take(one);
}

struct Point {
    std::int64_t at_ms = 0;
    std::size_t series = 0;
    double value = 0;
};

// What a bundle's files tell, in the order in which it happened.
struct Recording {
    std::vector<Labels> series;
    std::vector<Point> points;
    std::vector<Event> events;
    std::vector<Relation> relations;
    std::set<std::string> clusters;
};

void read_series(const std::string& text, const WeighOptions& options, Recording& out) {
    each_line(text, [&](const Json& line) {
        auto named = texts_of(line, "labels");
        const std::string name = named["__name__"];
        const auto samples = line.find("samples");
        if (name.empty() || samples == line.end() || !samples->is_array()) return;
        if (const auto cluster = named.find("cluster"); cluster != named.end()) out.clusters.insert(cluster->second);
        named.erase("__name__");
        out.series.emplace_back(name, std::vector<LabelPair>(named.begin(), named.end()));
        for (const Json& one : *samples) {
            if (out.points.size() >= options.samples_max) return;
            if (!one.is_array() || one.size() != 2 || !one[0].is_number_integer()) continue;
            // null: it was not on that page.
            const double value = one[1].is_number() ? one[1].get<double>() : std::numeric_limits<double>::quiet_NaN();
            out.points.push_back({one[0].get<std::int64_t>(), out.series.size() - 1, value});
        }
    });
    std::ranges::stable_sort(out.points, {}, &Point::at_ms);
}

void read_events(const std::string& text, const WeighOptions& options, Recording& out) {
    each_line(text, [&](const Json& line) {
        const auto at = read_rfc3339(text_of(line, "at"));
        if (!at || out.events.size() >= options.events_max) return;
        out.events.push_back({.at = *at,
                              .subject = subject_of(text_of(line, "subject")),
                              .kind = text_of(line, "kind"),
                              .text = text_of(line, "text"),
                              .fields = texts_of(line, "fields"),
                              .id = fmt::format("bundle/{}", out.events.size())});
    });
    std::ranges::stable_sort(out.events, {}, &Event::at);
}

void read_relations(const std::string& text, const WeighOptions& options, Recording& out) {
    each_line(text, [&](const Json& line) {
        Relation one{subject_of(text_of(line, "from")), text_of(line, "kind"), subject_of(text_of(line, "to"))};
        if (one.from.kind.empty() || one.to.kind.empty() || out.relations.size() >= options.relations_max) return;
        out.relations.push_back(std::move(one));
    });
}

// The bundle's own, or, where it has none that this program reads, the names of the clusters alone.
Config config_of(const std::string& text, const Recording& recording, std::string& note) {
    auto loaded = load_config(text, "config.yaml");
    if (loaded) return *std::move(loaded);
    note = "without the bundle's configuration, so owners are roles";
    Config config;
    for (const std::string& name : recording.clusters) config.clusters.emplace_back().name = name;
    return config;
}

// Plays the recording to a brain and returns what it says at the end.
class Player {
public:
    Player(const Recording& recording, const Config& config, Brain& brain)
        : recording_(recording), knowledge_(config), brain_(brain) {
        for (const Labels& labels : recording.series) ids_.push_back(knowledge_.series().intern(labels));
        for (const std::string& cluster : recording.clusters) {
            Observation told{.target = cluster + "/bundle", .at = {first_ms()}};
            for (const Relation& one : recording.relations)
                if (one.from.cluster == cluster) told.relations.push_back(one);
            knowledge_.apply(std::move(told));
        }
    }

    DiagnosisReport play(const WeighOptions& options) {
        const std::int64_t last = recording_.points.back().at_ms, step = options.step.count();
        const std::int64_t span_max = step * static_cast<std::int64_t>(options.steps_max);
        std::int64_t at = std::max(first_ms(), last - span_max);
        for (; at < last; at += step) (void)evaluate(at);
        return evaluate(last);
    }

private:
    [[nodiscard]] std::int64_t first_ms() const { return recording_.points.front().at_ms; }

    DiagnosisReport evaluate(std::int64_t until_ms) {
        while (next_point_ < recording_.points.size() && recording_.points[next_point_].at_ms <= until_ms) append();
        while (next_event_ < recording_.events.size() && recording_.events[next_event_].at.unix_ms <= until_ms)
            (void)knowledge_.timeline().record(recording_.events[next_event_++]);
        return brain_.evaluate(knowledge_, {Instant{Duration{until_ms}}, {until_ms}});
    }

    // All samples of one moment. Partial: what is not in it has not ended for that.
    void append() {
        ScrapeBatch batch{.target = "bundle",
                          .at = {recording_.points[next_point_].at_ms},
                          .outcome = ScrapeOutcome::partial,
                          .error = {},
                          .samples = {}};
        for (; next_point_ < recording_.points.size() && recording_.points[next_point_].at_ms == batch.at.unix_ms;
             ++next_point_)
            if (const auto& id = ids_[recording_.points[next_point_].series])
                batch.samples.emplace_back(*id, recording_.points[next_point_].value);
        knowledge_.series().append(batch);
    }

    const Recording& recording_;
    Knowledge knowledge_;
    Brain& brain_;
    std::vector<std::optional<SeriesId>> ids_;
    std::size_t next_point_ = 0, next_event_ = 0;
};

std::string shown(const Diagnosis& one) {
    return fmt::format("{} of {} ({} side, {:.0f} %)", one.abstains() ? "no clear cause" : one.cause,
                       to_string(one.subject), to_string(one.side), one.confidence * 100);
}

}  // namespace

Result<Weighed> weigh_anew(const std::vector<File>& files, const WeighOptions& options) {
    Recording recording;
    read_series(file_text(files, "series.jsonl"), options, recording);
    if (recording.points.empty()) return fail(ErrorCode::not_ready, "the bundle holds no samples");
    read_events(file_text(files, "events.jsonl"), options, recording);
    read_relations(file_text(files, "topology.jsonl"), options, recording);
    Weighed weighed;
    weighed.at = {recording.points.back().at_ms};
    const Config config = config_of(file_text(files, "config.yaml"), recording, weighed.note);
    BrainOptions brain_options = brain_options_of(config, options.rules_directory);
    brain_options.interval = options.step;
    brain_options.diagnoser.effect_waits_for_cause = Duration{0};  // What is recorded is all that there is.
    MEDIC_TRY(const auto brain, Brain::make(brain_options));
    weighed.diagnoses = Player(recording, config, *brain).play(options).diagnoses;
    name_owners(config, weighed.diagnoses);
    if (recording.relations.empty())
        weighed.note += std::string(weighed.note.empty() ? "" : "; ") +
                        "without the topology: causes that need to know who runs where may be missed";
    return weighed;
}

std::vector<std::string> compared(const std::vector<Diagnosis>& said, const std::vector<Diagnosis>& now) {
    std::vector<std::string> lines;
    for (const Diagnosis& one : now) {
        const bool same = std::ranges::any_of(
            said, [&](const Diagnosis& other) { return other.cause == one.cause && other.subject == one.subject; });
        const auto other = std::ranges::find(said, one.subject, &Diagnosis::subject);
        if (same)
            lines.push_back("the same: " + shown(one));
        else if (other != said.end())
            lines.push_back("another cause: " + shown(one) + ", where the bundle says " + shown(*other));
        else
            lines.push_back("new: " + shown(one));
    }
    for (const Diagnosis& one : said)
        if (std::ranges::find(now, one.subject, &Diagnosis::subject) == now.end())
            lines.push_back("not found any more: " + shown(one));
    return lines;
}

}  // namespace medic::bundle

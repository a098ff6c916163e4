// A made-up past for tests of analyzers and diagnosis: series sampled once a second, events, topology.
// Tests only.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "classifiers/analyzers/analyzer.h"

namespace medic::analyzers {

class Scene {
public:
    static constexpr std::int64_t began_ms = 1'700'000'000'000;

    // A value for each second 0 … seconds; nullopt: not on that look.
    using Shape = std::function<std::optional<double>(int second)>;
    Scene& series(std::string_view name, std::vector<LabelPair> labels, Shape shape) {
        labels.emplace_back("cluster", "lab");
        shapes_.emplace_back(Labels(name, std::move(labels)), std::move(shape));
        return *this;
    }
    Scene& constant(std::string_view name, std::vector<LabelPair> labels, double value) {
        return series(name, std::move(labels), [value](int) { return value; });
    }
    // Grows by `per_second` until second `stop`, then stands.
    Scene& counter(std::string_view name, std::vector<LabelPair> labels, double per_second, int stop = 1 << 20) {
        return series(name, std::move(labels), [=](int second) { return per_second * std::min(second, stop); });
    }
    Scene& event(int second, Subject subject, std::string kind, std::string text,
                 std::map<std::string, std::string> fields = {}) {
        const std::string id = "e" + std::to_string(events_.size());
        events_.push_back({at(second), std::move(subject), std::move(kind), std::move(text), std::move(fields), id});
        return *this;
    }
    Scene& relation(Subject from, std::string kind, Subject to) {
        relations_.push_back({std::move(from), std::move(kind), std::move(to)});
        return *this;
    }
    Scene& attribute(const Subject& subject, const std::string& name, std::string value) {
        attributes_[subject][name] = std::move(value);
        return *this;
    }

    static WallTime at(int second) { return {began_ms + second * 1'000}; }
    static Subject lab(std::string kind, std::string name) { return {"lab", std::move(kind), std::move(name)}; }

    // Plays seconds 0 … `seconds` and calls `look` with the view at the end.
    template <class Look>
    auto after(int seconds, Look look) const {
        SeriesStore store;
        Timeline timeline;
        Topology topology;
        for (const auto& event : events_)
            if (event.at <= at(seconds)) timeline.record(event);
        topology.replace("test", relations_, attributes_, at(seconds));
        for (int second = 0; second <= seconds; ++second) {
            ScrapeBatch batch{
                .target = "test", .at = at(second), .outcome = ScrapeOutcome::complete, .error = "", .samples = {}};
            for (const auto& [labels, shape] : shapes_)
                if (const auto value = shape(second)) batch.samples.emplace_back(*store.intern(labels), *value);
            store.append(batch);
        }
        const Now now{Instant{Duration{seconds * 1'000}}, at(seconds)};
        return look(View{store, timeline, topology}, now);
    }
    // Findings with this id after `seconds`.
    [[nodiscard]] std::vector<Finding> findings(std::string_view id, int seconds) const {
        return after(seconds, [&](const View& view, const Now& now) {
            auto all = analyze(view, now);
            std::erase_if(all, [&](const Finding& finding) { return finding.id != id; });
            return all;
        });
    }

private:
    std::vector<std::pair<Labels, Shape>> shapes_;
    std::vector<Event> events_;
    std::vector<Relation> relations_;
    std::map<Subject, std::map<std::string, std::string>> attributes_;
};

}  // namespace medic::analyzers

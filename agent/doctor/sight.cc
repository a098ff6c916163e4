#include "agent/doctor/sight.h"

#include <algorithm>

#include "agent/doctor/sources.h"
#include "classifiers/diagnosis/embedded/embedded.h"

namespace medic::doctor {
namespace {

// What one clue needs and does not have.
struct Lack {
    std::set<std::string> series;
    std::set<std::string> components;  // Whose texts do not arrive.
    [[nodiscard]] bool none() const { return series.empty() && components.empty(); }
};

std::string_view name_of(Component component) {
    switch (component) {
        case Component::flink: return "flink";
        case Component::connect: return "connect";
        case Component::streams: return "streams";
        case Component::kafka_client: return "kafka-client";
        case Component::kafka_broker: return "kafka-broker";
        default: return "";
    }
}

class Seer {
public:
    Seer(const ClusterConfig& cluster, const discovery::ClusterLook& look, const Knowing& knowing)
        : sources_(cluster, look), knowing_(knowing) {}

    Sight run() {
        Sight sight;
        for (const CanonicalSeries& one : CanonicalNames::built_in().series()) {
            ++sight.series;
            if (!sources_.tells(one.name)) spots_[sources_.gap(one.name)].series.push_back(one.name);
        }
        sight.series_told = sources_.told();
        for (const Cause& cause : knowing_.catalogue.causes()) sight.causes_seen += look_at(cause);
        sight.causes = knowing_.catalogue.causes().size();
        symptoms();
        for (auto& [gap, spot] : spots_) {
            spot.reason = gap.reason;
            spot.mend = gap.mend;
            std::ranges::stable_sort(spot.hides, {}, &Hidden::weaker);
            sight.dark.push_back(std::move(spot));
        }
        std::ranges::stable_sort(sight.dark, std::greater{}, [](const DarkSpot& one) {
            return std::ranges::count_if(one.hides, [](const Hidden& hidden) { return !hidden.weaker; }) * 1'000 +
                   static_cast<std::ptrdiff_t>(one.hides.size());
        });
        return sight;
    }

private:
    [[nodiscard]] Lack lack_of(std::string_view expression) const {
        Lack lack;
        const auto told = [&](const std::string& series, const std::string& role) {
            return sources_.tells(series, role);
        };
        if (can_be_seen(expression, told, knowing_.rules, lack.series)) lack.series.clear();
        return lack;
    }

    [[nodiscard]] Lack lack_of(const Clue& clue, const Cause& cause) const {
        if (clue.kind == Clue::Kind::symptom) {
            const Rule* rule = knowing_.rules.find(clue.id);
            return rule == nullptr ? Lack{} : lack_of(rule->expression);
        }
        if (clue.kind == Clue::Kind::finding) {
            for (const auto& analyzer : knowing_.analyzers)
                if (std::ranges::find(analyzer.findings, clue.id) != analyzer.findings.end())
                    return lack_of(analyzer.needs);
            return {};
        }
        return lack_of_texts(cause);
    }

    // Signatures and events come with exceptions, traces and logs of the cause's components; one of them is enough.
    [[nodiscard]] Lack lack_of_texts(const Cause& cause) const {
        Lack lack;
        for (const Component component : cause.components) {
            const std::string_view name = name_of(component);
            if (sources_.tells_texts_of(name)) return {};
            lack.components.emplace(name);
        }
        if (!cause.components.empty()) return lack;
        for (const char* name : {"flink", "connect"}) {
            if (sources_.tells_texts_of(name)) return {};
            lack.components.emplace(name);
        }
        return lack;
    }

    // Returns whether the cause can be seen at all.
    bool look_at(const Cause& cause) {
        double seen = 0, hidden = 0;
        std::vector<Lack> lacks;
        for (const Clue& clue : cause.clues) {
            if (clue.weight <= leaning_weight) continue;  // Leans, or speaks against it.
            Lack lack = lack_of(clue, cause);
            if (lack.none()) {
                seen = std::max(seen, clue.weight);
                continue;
            }
            hidden = std::max(hidden, clue.weight);
            lacks.push_back(std::move(lack));
        }
        if (lacks.empty()) return true;
        if (seen > 0 && hidden <= seen) return true;  // The clue that says most is among those that can be seen.
        const Hidden told{cause.id, first_sentence(cause.explain), seen > 0};
        if (lacks.front().series.empty())
            note_texts(lacks.front(), told);
        else
            note(lacks.front().series, told);
        return seen > 0;
    }

    void note(const std::set<std::string>& series, const Hidden& hidden) {
        for (const std::string& one : series) add(sources_.gap(one), hidden);
    }

    // Where several products could have told, the one that is nearest to being watched is named.
    void note_texts(const Lack& lack, const Hidden& hidden) {
        for (const char* name : {"flink", "connect"})
            if (lack.components.contains(name)) return add(sources_.gap_of_texts(name), hidden);
        add(sources_.gap_of_texts(*lack.components.begin()), hidden);
    }

    void add(const Gap& gap, const Hidden& hidden) {
        auto& hides = spots_[gap].hides;
        if (std::ranges::find(hides, hidden) == hides.end()) hides.push_back(hidden);
    }

    // Symptoms that no cause names are hidden too.
    void symptoms() {
        std::set<std::string> named;
        for (const Cause& cause : knowing_.catalogue.causes())
            for (const Clue& clue : cause.clues)
                if (clue.kind == Clue::Kind::symptom) named.insert(clue.id);
        for (const RuleGroup& group : knowing_.rules.groups())
            for (const Rule& rule : group.rules) {
                if (rule.kind != Rule::Kind::alert || named.contains(rule.name)) continue;
                const auto summary = rule.annotations.find("summary");
                note(lack_of(rule.expression).series,
                     {rule.name, summary == rule.annotations.end() ? rule.name : without_templates(summary->second),
                      false});
            }
    }

    Sources sources_;
    const Knowing& knowing_;
    std::map<Gap, DarkSpot> spots_;
};

}  // namespace

Result<Knowing> built_in_knowledge() {
    std::vector<RuleFileText> files;
    for (const EmbeddedFile& file : embedded_rule_files())
        if (file.path.find("symptoms/") != std::string_view::npos && !file.path.ends_with("_test.yaml"))
            files.push_back({std::string(file.path), std::string(file.text)});
    Knowing knowing;
    MEDIC_TRY(knowing.rules, RuleSet::parse(files));
    knowing.analyzers = analyzers::all_analyzers();
    KnownIds known;
    for (const RuleGroup& group : knowing.rules.groups())
        for (const Rule& rule : group.rules)
            if (rule.kind == Rule::Kind::alert) known.symptoms.push_back(rule.name);
    for (const auto& analyzer : knowing.analyzers)
        for (const auto finding : analyzer.findings) known.findings.emplace_back(finding);
    MEDIC_TRY(knowing.catalogue, Catalogue::load_embedded(known));
    return knowing;
}

Sight sight_of(const ClusterConfig& cluster, const discovery::ClusterLook& look, const Knowing& knowing) {
    return Seer(cluster, look, knowing).run();
}

}  // namespace medic::doctor

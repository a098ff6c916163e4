#include "tests/ranking/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/config/config.h"
#include "agent/daemon/brain.h"

namespace medic::ranking_test {
namespace {

constexpr Duration evaluate_every{1'000};  // As medic.yaml's default.

bool is_page(const std::string& target) { return target.ends_with("/metrics"); }

std::string plain(const Subject& subject) { return subject.kind + "/" + subject.name; }

struct Told {
    std::string cause, subject;
    Side side = Side::unknown;
};

bool is(const Told& told, const Truth& truth) {
    return std::ranges::find(truth.causes, told.cause) != truth.causes.end() &&
           (truth.subject.empty() || truth.subject == told.subject);
}

// Named diagnoses of a cluster, then the alternatives: what a person reads from the top.
std::vector<Told> read_down(const DiagnosisReport& report, const std::string& cluster) {
    std::vector<Told> list;
    std::vector<std::pair<double, Told>> others;
    for (const Diagnosis& one : report.diagnoses) {
        if (one.subject.cluster != cluster) continue;
        if (!one.abstains()) list.push_back({one.cause, plain(one.subject), one.side});
        for (const Alternative& other : one.alternatives)
            others.emplace_back(other.confidence, Told{other.cause, plain(one.subject), other.side});
    }
    std::ranges::stable_sort(others, [](const auto& a, const auto& b) { return a.first > b.first; });
    for (auto& [confidence, other] : others) list.push_back(std::move(other));
    return list;
}

std::vector<Told> named(const DiagnosisReport& report, const std::string& cluster) {
    std::vector<Told> list;
    for (const Diagnosis& one : report.diagnoses)
        if (one.subject.cluster == cluster && !one.abstains())
            list.push_back({one.cause, plain(one.subject), one.side});
    return list;
}

std::string shown(const DiagnosisReport& report) {
    std::string text;
    for (const Diagnosis& one : report.diagnoses)
        text += fmt::format("{}{} of {} {:.0f} %", text.empty() ? "" : "; ", one.abstains() ? "unclear" : one.cause,
                            to_string(one.subject), one.confidence * 100);
    return text.empty() ? "nothing" : text;
}

// What was wrong in one cluster, and how it is told as time goes on.
class Judge {
public:
    // `moved`: how much later than it was recorded the episode begins.
    Judge(const Episode& episode, std::string cluster, Duration moved)
        : episode_(episode),
          cluster_(std::move(cluster)),
          fault_at_(episode.fault_at + moved),
          ends_(episode.ends() + moved) {
        for (const Truth& truth : episode.truths)
            if (!truth.passing) verdicts_.push_back({.episode = &episode, .truth = &truth, .instead = {}});
    }

    void look(const DiagnosisReport& report, Outcome& outcome) {
        if (report.at > ends_) return;
        last_ = report;
        const auto list = named(report, cluster_);
        if (list.empty()) return;
        if (report.at < fault_at_) {
            outcome.told_before += list.size();
            return;
        }
        if (!std::exchange(spoken_, true)) first_word_right_ = is_true(list.front());
        for (Verdict& one : verdicts_)
            if (!one.after && place(list, *one.truth) == 1) one.after = report.at - fault_at_;
    }

    [[nodiscard]] WallTime ends() const { return ends_; }

    void end(Outcome& outcome) {
        const auto list = read_down(last_, cluster_);
        for (Verdict& one : verdicts_) {
            one.rank = place(list, *one.truth);
            one.first_word_right = first_word_right_;
            if (!list.empty()) one.instead = list.front().cause + " of " + list.front().subject;
            one.side_right = std::ranges::any_of(list, [&](const Told& told) {
                return (one.rank == 1 ? is(told, *one.truth) : &told == &list.front()) &&
                       to_string(told.side) == one.truth->side;
            });
            outcome.verdicts.push_back(one);
        }
    }

private:
    [[nodiscard]] bool is_true(const Told& told) const {
        return std::ranges::any_of(episode_.truths, [&](const Truth& truth) { return is(told, truth); });
    }
    [[nodiscard]] std::optional<std::size_t> place(const std::vector<Told>& list, const Truth& truth) const {
        std::size_t wrong = 0;
        for (const Told& told : list) {
            if (is(told, truth)) return wrong + 1;
            if (!is_true(told)) ++wrong;
        }
        return std::nullopt;
    }

    const Episode& episode_;
    const std::string cluster_;
    const WallTime fault_at_, ends_;
    DiagnosisReport last_;
    std::vector<Verdict> verdicts_;
    bool spoken_ = false, first_word_right_ = false;
};

// Hands the looks to what is known, as the ingest thread does: pages as batches, the rest as observations.
class Feed {
public:
    Feed(const Episode& episode, Knowledge& knowledge) : episode_(episode), knowledge_(knowledge) {
        for (const auto& [name, target] : episode.targets) knowledge.expect(name, target.cluster, target.interval);
        ids_.resize(episode.series.size());
    }

    void until(WallTime now) {
        for (; next_ < episode_.looks.size() && episode_.looks[next_].heard <= now; ++next_)
            hand(episode_.looks[next_]);
    }

private:
    void hand(const Look& look) {
        const std::string& target = look.told.target;
        if (is_page(target)) {
            ScrapeBatch batch{.target = target,
                              .at = look.told.at,
                              .outcome = look.told.outcome,
                              .error = look.told.error,
                              .samples = {}};
            for (const auto& [index, value] : look.samples) {
                auto& id = ids_[index];
                if (!id || !knowledge_.series().contains(*id)) id = knowledge_.series().intern(episode_.series[index]);
                if (id) batch.samples.emplace_back(*id, value);
            }
            knowledge_.apply(episode_.targets.at(target).cluster, std::move(batch));
            return;
        }
        Observation told = look.told;
        told.samples.reserve(look.samples.size());
        for (const auto& [index, value] : look.samples) told.samples.emplace_back(episode_.series[index], value);
        knowledge_.apply(std::move(told));
    }

    const Episode& episode_;
    Knowledge& knowledge_;
    std::vector<std::optional<SeriesId>> ids_;
    std::size_t next_ = 0;
};

Result<Config> config_of(const Scenario& scenario) {
    MEDIC_TRY(Config config, load_config(scenario.base->config, scenario.base->name));
    if (scenario.second == nullptr) return config;
    MEDIC_TRY(const Config other, load_config(scenario.second->config, scenario.second->name));
    for (ClusterConfig cluster : other.clusters) {
        cluster.name = second_cluster;
        config.clusters.push_back(std::move(cluster));
    }
    return config;
}

}  // namespace

Result<Outcome> replay(const Scenario& scenario) {
    Dice dice(scenario.seed);
    Duration apart{0};
    Episode episode =
        scenario.second != nullptr ? lay_over(*scenario.base, *scenario.second, dice, apart) : *scenario.base;
    disturb(episode, scenario.how, dice);
    const Duration moved = episode.fault_at - scenario.base->fault_at;
    MEDIC_TRY(const Config config, config_of(scenario));
    MEDIC_TRY(const auto brain, Brain::make(brain_options_of(config, "")));
    Knowledge knowledge(config);
    Feed feed(episode, knowledge);
    std::vector<Judge> judges;
    judges.emplace_back(*scenario.base, config.clusters.front().name, moved);
    if (scenario.second != nullptr)
        judges.emplace_back(*scenario.second, second_cluster,
                            apart + (scenario.base->fault_at - scenario.second->fault_at));
    Outcome outcome;
    std::string last_shown = "nothing";
    const WallTime ends = std::ranges::max_element(judges, {}, &Judge::ends)->ends();
    for (WallTime at = episode.begins(); at <= ends; at = at + evaluate_every) {
        feed.until(at);
        knowledge.tick_lateness(0, at);
        const DiagnosisReport report = brain->evaluate(knowledge, {Instant{Duration{at.unix_ms}}, at});
        for (Judge& judge : judges) judge.look(report, outcome);
        if (std::string now_shown = shown(report); now_shown != last_shown) {
            outcome.story.push_back(
                fmt::format("{:+6.1f} s  {}", static_cast<double>((at - episode.fault_at).count()) / 1000, now_shown));
            last_shown = std::move(now_shown);
        }
    }
    for (Judge& judge : judges) judge.end(outcome);
    return outcome;
}

}  // namespace medic::ranking_test

#include "classifiers/diagnosis/classifier.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <span>

namespace medic {
namespace {

// Clues are written as log-odds by hand and overlap: each further one that says the same counts half of the one before,
// and this flattens the sum to what texts with known causes show.
constexpr double temperature = 1.25;
constexpr double repeated_clue_share = 0.5;
// A clue that only stands on an INFO or WARN line beside a failure.
constexpr double aside_share = 0.5;
// What "none of these" scores: a single weak clue is not enough to name a cause.
constexpr double nothing_score = 0.1;
constexpr std::size_t alternatives_max = 5;
constexpr std::size_t evidence_max = 6;

constexpr double side_floor = 0.35;  // Below this the text does not tell.

// One cause that at least one clue speaks for.
struct ScoredCause {
    std::size_t cause = 0;                // Position in Catalogue::causes().
    double score = 0;                     // Log-odds.
    std::vector<std::size_t> signatures;  // That spoke for it, strongest first.
};

struct Weighted {
    std::size_t cause = 0;
    double weight = 0;
};

}  // namespace

struct Classifier::State {
    explicit State(Catalogue from) : catalogue(std::move(from)), matcher(catalogue) {}

    Catalogue catalogue;
    TextMatcher matcher;
    std::vector<std::vector<Weighted>> causes_of;  // By signature.
};

Classifier::~Classifier() = default;
Classifier::Classifier(Classifier&&) noexcept = default;
Classifier& Classifier::operator=(Classifier&&) noexcept = default;

Classifier::Classifier(Catalogue catalogue) : state_(std::make_unique<State>(std::move(catalogue))) {
    state_->causes_of.resize(state_->catalogue.signatures().size());
    for (std::size_t cause = 0; cause < state_->catalogue.causes().size(); ++cause)
        for (const auto& clue : state_->catalogue.causes()[cause].clues)
            if (clue.kind == Clue::Kind::signature)
                state_->causes_of[*state_->catalogue.signature_index(clue.id)].push_back({cause, clue.weight});
}

const Catalogue& Classifier::catalogue() const { return state_->catalogue; }

Component infer_component(std::string_view text) {
    const auto has = [&](std::string_view word) { return text.find(word) != std::string_view::npos; };
    if (has("org.apache.kafka.connect.") || has("WorkerSinkTask") || has("WorkerSourceTask") || has("io.debezium."))
        return Component::connect;
    if (has("org.apache.flink.") || has("medic::engine::flow") || has("pyflink")) return Component::flink;
    if (has("org.apache.kafka.streams.")) return Component::streams;
    if (has("kafka.server.") || has("kafka.log.") || has("kafka.controller.") || has("kafka.network.") ||
        has("kafka.cluster.") || has("kafka.zk."))
        return Component::kafka_broker;
    if (has("org.apache.kafka.clients.") || has("org.apache.kafka.common.")) return Component::kafka_client;
    return Component::unknown;
}

namespace {

bool foreign(const Cause& cause, Component component) {
    return component != Component::unknown && !cause.components.empty() &&
           std::ranges::find(cause.components, component) == cause.components.end();
}

// Of causes that are told of several subjects by the same clues one counts: that of the text's own component, or the
// first one where there is none.
bool has_stand_in(const Cause& cause, Component component) {
    const auto holds = [component](const std::vector<Component>& all) {
        return std::ranges::find(all, component) != all.end();
    };
    return cause.like.empty() ? holds(cause.left_to_others) : !holds(cause.components);
}

// What one signature says of a cause.
struct Said {
    std::size_t cause = 0, signature = 0;
    double weight = 0;
};

// By cause, and of each cause in the signatures' order.
std::vector<Said> said_by(const TextMatches& matches, const std::vector<std::vector<Weighted>>& causes_of) {
    std::vector<Said> said;
    for (const auto signature : matches.signatures) {
        const double share = std::ranges::binary_search(matches.asides, signature) ? aside_share : 1;
        for (const auto& [cause, weight] : causes_of[signature]) said.push_back({cause, signature, weight * share});
    }
    std::ranges::stable_sort(said, {}, &Said::cause);
    return said;
}

// nullopt: nothing speaks for it by itself, or another cause stands in for it.
std::optional<ScoredCause> score_of(const Cause& cause, std::span<const Said> said, Component component) {
    std::vector<std::pair<double, std::size_t>> spoke;
    double against = 0;
    for (const Said& one : said) {
        if (one.weight > 0) {
            spoke.emplace_back(one.weight, one.signature);
        } else {
            against += one.weight;
        }
    }
    std::ranges::sort(spoke, std::greater{});
    if (spoke.empty() || spoke.front().first < leaning_weight || has_stand_in(cause, component)) return std::nullopt;
    ScoredCause scored{.cause = said.front().cause, .score = against, .signatures = {}};
    double share = 1;
    for (const auto& [weight, signature] : spoke) {
        scored.score += weight * share;
        share *= repeated_clue_share;
        scored.signatures.push_back(signature);
    }
    if (foreign(cause, component)) scored.score -= foreign_component_cost;
    scored.score += cause.prior;
    return scored;
}

std::vector<ScoredCause> score(const Catalogue& catalogue, const std::vector<std::vector<Weighted>>& causes_of,
                               const TextMatches& matches, Component component) {
    const auto said = said_by(matches, causes_of);
    std::vector<ScoredCause> scored;
    for (auto from = said.begin(); from != said.end();) {
        const auto to = std::find_if(from, said.end(), [&](const Said& one) { return one.cause != from->cause; });
        if (auto one = score_of(catalogue.causes()[from->cause], {from, to}, component))
            scored.push_back(*std::move(one));
        from = to;
    }
    std::ranges::stable_sort(scored, [](const ScoredCause& a, const ScoredCause& b) { return a.score > b.score; });
    return scored;
}

std::vector<double> probabilities(const std::vector<ScoredCause>& scored) {
    double total = std::exp(nothing_score / temperature);
    std::vector<double> out;
    for (const auto& one : scored) {
        out.push_back(std::exp(std::min(one.score, 40.0) / temperature));
        total += out.back();
    }
    for (auto& value : out) value /= total;
    return out;
}

// The side with most behind it, then the best group of that side, then the best cause of that group.
std::optional<std::size_t> choose(const Catalogue& catalogue, const std::vector<ScoredCause>& scored,
                                  const std::vector<double>& chance, double& side_chance) {
    double user = 0, system = 0;
    for (std::size_t i = 0; i < scored.size(); ++i)
        (catalogue.causes()[scored[i].cause].side == Side::user ? user : system) += chance[i];
    const Side side = user >= system ? Side::user : Side::system;
    side_chance = std::max(user, system);
    std::map<std::string_view, double> groups;
    for (std::size_t i = 0; i < scored.size(); ++i)
        if (catalogue.causes()[scored[i].cause].side == side)
            groups[catalogue.causes()[scored[i].cause].group] += chance[i];
    if (groups.empty()) return std::nullopt;
    const auto best = std::ranges::max_element(groups, {}, [](const auto& group) { return group.second; })->first;
    for (std::size_t i = 0; i < scored.size(); ++i)
        if (catalogue.causes()[scored[i].cause].side == side && catalogue.causes()[scored[i].cause].group == best)
            return i;
    return std::nullopt;
}

std::string why_not(const Catalogue& catalogue, const Cause& chosen, const ScoredCause& other) {
    const auto& cause = catalogue.causes()[other.cause];
    for (const auto& alike : cause.look_alikes)
        if (alike.cause == chosen.id) return alike.told_apart_by;
    for (const auto& alike : chosen.look_alikes)
        if (alike.cause == cause.id) return alike.told_apart_by;
    return "fewer clues: only " + catalogue.signatures()[other.signatures.front()].id;
}

}  // namespace

std::vector<std::size_t> Classifier::signatures_in(std::string_view text, Component component) const {
    if (component == Component::unknown) component = infer_component(text);
    Ownership ownership;
    ownership.component = component;
    return state_->matcher.match(read_failures(text, ownership), component).signatures;
}

Classification Classifier::classify_text(std::string_view text, Component component) const {
    if (component == Component::unknown) component = infer_component(text);
    Ownership ownership;
    ownership.component = component;
    const auto read = read_failures(text, ownership);
    const auto matches = state_->matcher.match(read, component);
    const auto scored = score(state_->catalogue, state_->causes_of, matches, component);
    const auto chance = probabilities(scored);

    Classification out;
    out.shape = matches.shape;
    out.truncated = read.truncated || matches.truncated;
    double side_chance = 0;
    const auto chosen = choose(state_->catalogue, scored, chance, side_chance);
    const bool told = chosen && side_chance >= side_floor;
    if (told) {
        const auto& cause = state_->catalogue.causes()[scored[*chosen].cause];
        out.cause = cause.id;
        out.cause_group = cause.group;
        out.side = cause.side;
        out.confidence = side_chance;
        out.cause_confidence = chance[*chosen];
        for (const auto signature : scored[*chosen].signatures) {
            if (out.evidence.size() >= evidence_max) break;
            out.evidence.push_back({"trace",
                                    "signature:" + state_->catalogue.signatures()[signature].id,
                                    state_->matcher.matched_line(signature, matches, read),
                                    0,
                                    {}});
        }
    }
    for (std::size_t i = 0; i < scored.size() && out.alternatives.size() < alternatives_max; ++i) {
        if (told && i == *chosen) continue;
        const auto& cause = state_->catalogue.causes()[scored[i].cause];
        out.alternatives.push_back(
            {cause.id, cause.side, chance[i],
             told ? why_not(state_->catalogue, state_->catalogue.causes()[scored[*chosen].cause], scored[i])
                  : "too little evidence"});
    }
    return out;
}

}  // namespace medic

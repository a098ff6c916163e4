#include "classifiers/diagnosis/catalogue.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "agent/base/yaml.h"
#include "classifiers/analyzers/analyzer.h"
#include "classifiers/diagnosis/embedded/embedded.h"
#include "classifiers/diagnosis/line_patterns_internal.h"

namespace medic {
namespace {

// Event kinds that causes may name (agent/store/event.h).
constexpr std::string_view event_kinds[] = {"exception",    "state-change", "deployment",        "config-change",
                                            "restart",      "node-lost",    "node-joined",       "rebalance",
                                            "reassignment", "savepoint",    "checkpoint-failed", "alert",
                                            "log",          "thread-dump",  "operator"};

Result<Signature> read_signature(const YamlNode& node) {
    MEDIC_CHECK(node.expect_map("a signature {id, where, re2}"));
    MEDIC_CHECK(node.expect_keys({"id", "where", "frame_owner", "re2"}));
    Signature signature;
    signature.defined_at = node.where();
    MEDIC_TRY(signature.id, node.get("id").as_string());
    MEDIC_TRY(signature.re2, node.get("re2").as_string());
    MEDIC_TRY(const auto where, node.get("where").as_string());
    if (where == "class") {
        signature.where = Signature::Where::type;
    } else if (where == "message") {
        signature.where = Signature::Where::message;
    } else if (where == "frame") {
        signature.where = Signature::Where::frame;
    } else if (where == "shape") {
        signature.where = Signature::Where::shape;
    } else {
        return node.get("where").error("expected class, message, frame or shape, found " + where);
    }
    if (const auto owner = node.get("frame_owner")) {
        MEDIC_TRY(const auto name, owner.as_string());
        if (signature.where != Signature::Where::frame) return owner.error("frame_owner needs `where: frame`");
        if (name == "engine") {
            signature.engine_frame = true;
        } else {
            for (const auto one : {FrameOwner::user, FrameOwner::connector, FrameOwner::library, FrameOwner::flink,
                                   FrameOwner::kafka, FrameOwner::connect, FrameOwner::jdk})
                if (to_string(one) == name) signature.frame_owner = one;
            if (!signature.frame_owner)
                return owner.error("expected user, connector, engine, library, flink, kafka, connect or jdk");
        }
    }
    const re2::RE2 pattern{pattern_of(signature), signature_options()};
    if (!pattern.ok()) return node.get("re2").error("broken RE2 pattern: " + pattern.error());
    return signature;
}

Status read_clues(const YamlNode& list, double sign, std::vector<Clue>& out) {
    if (!list) return {};
    MEDIC_CHECK(list.expect_list("a list of {symptom|signature|finding|event: ID, weight}"));
    for (const auto& node : list.items()) {
        MEDIC_CHECK(node.expect_map("{symptom|signature|finding|event: ID, weight}"));
        MEDIC_CHECK(node.expect_keys({"signature", "symptom", "finding", "event", "weight"}));
        MEDIC_TRY(const double weight, node.double_or("weight", 1));
        if (weight <= 0)
            return node.error("weight: expected a number above 0 (evidence against stands under `against`)");
        Clue clue{.kind = Clue::Kind::signature, .id = "", .weight = sign * weight};
        int named = 0;
        const std::pair<std::string_view, Clue::Kind> kinds[] = {{"signature", Clue::Kind::signature},
                                                                 {"symptom", Clue::Kind::symptom},
                                                                 {"finding", Clue::Kind::finding},
                                                                 {"event", Clue::Kind::event}};
        for (const auto& [key, kind] : kinds) {
            const auto value = node.get(key);
            if (!value) continue;
            MEDIC_TRY(clue.id, value.as_string());
            clue.kind = kind;
            ++named;
        }
        if (named != 1) return node.error("expected exactly one of signature, symptom, finding, event");
        out.push_back(std::move(clue));
    }
    return {};
}

Status read_cases(const YamlNode& list, Cause& cause) {
    if (!list) return {};
    MEDIC_CHECK(list.expect_list("a list of cases {text, component}"));
    for (const auto& node : list.items()) {
        MEDIC_CHECK(node.expect_keys({"name", "text", "component", "is"}));
        CauseCase one;
        MEDIC_TRY(one.text, node.get("text").as_string());
        MEDIC_TRY(one.is, node.bool_or("is", true));
        MEDIC_TRY(one.name, node.string_or("name", one.is ? "positive" : "look-alike"));
        MEDIC_TRY(const auto component, node.string_or("component", "unknown"));
        one.component = parse_component(component);
        if (one.component == Component::unknown && component != "unknown")
            return node.get("component").error("expected flink, connect, kafka-broker, kafka-client or streams");
        cause.cases.push_back(std::move(one));
    }
    return {};
}

Status read_kind(const YamlNode& node, Cause& cause) {
    MEDIC_TRY(cause.group, node.get("group").as_string());
    MEDIC_TRY(const auto side, node.get("side").as_string());
    if (side != "user" && side != "system") return node.get("side").error("expected user or system, found " + side);
    cause.side = side == "user" ? Side::user : Side::system;
    return {};
}

// What a text says of a connector it says of a job as well: one list of clues, several subjects.
Status take_over(Cause& cause, Cause* model) {
    if (model == nullptr || !model->like.empty())
        return fail(ErrorCode::invalid, "{}: cause {} is like {}, which {}", cause.defined_at, cause.id, cause.like,
                    model == nullptr ? "does not exist" : "is itself like another");
    cause.group = model->group;
    cause.side = model->side;
    std::ranges::copy(cause.components, std::back_inserter(model->left_to_others));
    std::ranges::copy_if(model->clues, std::back_inserter(cause.clues),
                         [](const Clue& clue) { return clue.kind == Clue::Kind::signature; });
    return {};
}

Result<Cause> read_cause(const YamlNode& node) {
    MEDIC_CHECK(node.expect_map("a cause"));
    MEDIC_CHECK(
        node.expect_keys({"id", "like", "group", "side", "owner", "subject", "explain", "prior", "components", "for",
                          "against", "explains", "usually_an_effect", "look_alikes", "remedies", "tests"}));
    Cause cause;
    cause.defined_at = node.where();
    MEDIC_TRY(cause.id, node.get("id").as_string());
    MEDIC_TRY(cause.like, node.string_or("like", ""));
    MEDIC_TRY(cause.owner, node.get("owner").as_string());
    MEDIC_TRY(cause.explain, node.get("explain").as_string());
    MEDIC_TRY(cause.subject, node.string_or("subject", ""));
    MEDIC_TRY(cause.prior, node.double_or("prior", 0));
    MEDIC_TRY(cause.usually_an_effect, node.bool_or("usually_an_effect", false));
    for (const auto& item : node.get("components").items()) {
        MEDIC_TRY(const auto name, item.as_string());
        cause.components.push_back(parse_component(name));
        if (cause.components.back() == Component::unknown)
            return item.error("expected flink, connect, kafka-broker, kafka-client or streams");
    }
    if (cause.like.empty()) MEDIC_CHECK(read_kind(node, cause));
    MEDIC_CHECK(read_clues(node.get("for"), 1, cause.clues));
    if (cause.clues.empty() && cause.like.empty()) return node.error("cause " + cause.id + ": `for` names no evidence");
    MEDIC_CHECK(read_clues(node.get("against"), -1, cause.clues));
    if (const auto explains = node.get("explains")) {
        MEDIC_TRY(cause.explains, explains.as_strings());
    }
    for (const auto& alike : node.get("look_alikes").items()) {
        MEDIC_CHECK(alike.expect_keys({"cause", "told_apart_by"}));
        LookAlike one;
        MEDIC_TRY(one.cause, alike.get("cause").as_string());
        MEDIC_TRY(one.told_apart_by, alike.get("told_apart_by").as_string());
        cause.look_alikes.push_back(std::move(one));
    }
    if (const auto remedies = node.get("remedies")) {
        MEDIC_TRY(cause.remedies, remedies.as_strings());
    }
    MEDIC_CHECK(read_cases(node.get("tests"), cause));
    return cause;
}

// The names of the alerting rules in a Prometheus rule file.
std::vector<std::string> rule_names(const YamlNode& root) {
    std::vector<std::string> names;
    for (const auto& group : root.get("groups").items())
        for (const auto& rule : group.get("rules").items())
            if (const auto alert = rule.get("alert")) names.push_back(alert.text());
    return names;
}

bool under(std::string_view path, std::string_view folder) {
    return path.find("/" + std::string{folder} + "/") != std::string_view::npos ||
           path.starts_with(std::string{folder} + "/");
}

Status check_ids(const Catalogue& catalogue, const KnownIds& known) {
    std::set<std::string, std::less<>> symptoms(known.symptoms.begin(), known.symptoms.end());
    std::set<std::string, std::less<>> findings(known.findings.begin(), known.findings.end());
    for (const auto& analyzer : analyzers::all_analyzers())
        findings.insert(analyzer.findings.begin(), analyzer.findings.end());
    const std::set<std::string, std::less<>> remedies(known.remedies.begin(), known.remedies.end());
    for (const auto& cause : catalogue.causes()) {
        for (const auto& clue : cause.clues) {
            bool there = true;
            switch (clue.kind) {
                case Clue::Kind::signature: there = catalogue.signature_index(clue.id).has_value(); break;
                case Clue::Kind::symptom: there = symptoms.contains(clue.id); break;
                case Clue::Kind::finding: there = findings.contains(clue.id); break;
                case Clue::Kind::event: there = std::ranges::find(event_kinds, clue.id) != std::end(event_kinds); break;
            }
            if (!there)
                return fail(ErrorCode::invalid, "{}: cause {} names {}, which does not exist", cause.defined_at,
                            cause.id, clue.id);
        }
        for (const auto& other : cause.explains)
            if (catalogue.find(other) == nullptr)
                return fail(ErrorCode::invalid, "{}: cause {} explains {}, which does not exist", cause.defined_at,
                            cause.id, other);
        for (const auto& alike : cause.look_alikes)
            if (catalogue.find(alike.cause) == nullptr)
                return fail(ErrorCode::invalid, "{}: cause {} looks like {}, which does not exist", cause.defined_at,
                            cause.id, alike.cause);
        for (const auto& remedy : cause.remedies)
            if (known.check_remedies && !remedies.contains(remedy))
                return fail(ErrorCode::invalid, "{}: cause {} names remedy {}, which does not exist", cause.defined_at,
                            cause.id, remedy);
    }
    return {};
}

}  // namespace

Result<Catalogue> Catalogue::load(std::span<const RuleText> files, const KnownIds& known) {
    Catalogue catalogue;
    KnownIds all = known;
    for (const auto& file : files) {
        const bool signatures = under(file.path, "signatures"), causes = under(file.path, "causes"),
                   symptoms = under(file.path, "symptoms");
        if (!signatures && !causes && !symptoms) continue;
        MEDIC_TRY(const auto root, load_yaml(file.text, file.path));
        if (symptoms) {
            for (auto& name : rule_names(root)) all.symptoms.push_back(std::move(name));
            continue;
        }
        if (root.kind() == YamlNode::Kind::map && root.entries().empty()) continue;
        MEDIC_CHECK(root.expect_list(signatures ? "a list of signatures" : "a list of causes"));
        for (const auto& node : root.items()) {
            if (signatures) {
                MEDIC_TRY(auto signature, read_signature(node));
                if (!catalogue.signature_at_.emplace(signature.id, catalogue.signatures_.size()).second)
                    return node.error("signature " + signature.id + " is defined twice");
                catalogue.signatures_.push_back(std::move(signature));
            } else {
                MEDIC_TRY(auto cause, read_cause(node));
                if (!catalogue.cause_at_.emplace(cause.id, catalogue.causes_.size()).second)
                    return node.error("cause " + cause.id + " is defined twice");
                catalogue.causes_.push_back(std::move(cause));
            }
        }
    }
    for (Cause& cause : catalogue.causes_) {
        if (cause.like.empty()) continue;
        const auto model = catalogue.cause_at_.find(cause.like);
        MEDIC_CHECK(take_over(cause, model == catalogue.cause_at_.end() ? nullptr : &catalogue.causes_[model->second]));
    }
    MEDIC_CHECK(check_ids(catalogue, all));
    return catalogue;
}

Result<Catalogue> Catalogue::load_embedded(const KnownIds& known) {
    std::vector<RuleText> files;
    for (const auto& file : embedded_rule_files()) files.push_back({std::string{file.path}, std::string{file.text}});
    return load(files, known);
}

Result<Catalogue> Catalogue::load_directory(const std::string& directory, const KnownIds& known) {
    std::vector<RuleText> files;
    std::error_code error;
    for (const char* folder : {"signatures", "causes", "symptoms"}) {
        const auto path = std::filesystem::path{directory} / folder;
        if (!std::filesystem::is_directory(path, error)) continue;
        std::vector<std::filesystem::path> names;
        for (auto entry = std::filesystem::directory_iterator{path, error};
             !error && entry != std::filesystem::directory_iterator{}; entry.increment(error))
            if (entry->path().extension() == ".yaml") names.push_back(entry->path());
        std::ranges::sort(names);
        for (const auto& name : names) {
            std::ifstream in{name};
            if (!in) return fail(ErrorCode::invalid, "{}: cannot be read", name.string());
            files.push_back({name.string(), std::string{std::istreambuf_iterator<char>{in}, {}}});
        }
    }
    if (files.empty())
        return fail(ErrorCode::invalid, "{}: expected folders signatures, causes and symptoms with .yaml files",
                    directory);
    return load(files, known);
}

const Cause* Catalogue::find(std::string_view cause) const {
    const auto found = cause_at_.find(cause);
    return found == cause_at_.end() ? nullptr : &causes_[found->second];
}

std::optional<std::size_t> Catalogue::signature_index(std::string_view id) const {
    const auto found = signature_at_.find(id);
    return found == signature_at_.end() ? std::nullopt : std::optional{found->second};
}

}  // namespace medic

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <map>

#include <nlohmann/json.hpp>

#include "agent/store/kafka_words.h"
#include "remediations/remedies/parts.h"

// Somebody changed a topic's setting, and it explains the fault that followed: what was changed is changed back to what
// the topic had when it last worked (agent/daemon/topic_settings says what that was), set where it was the topic's own,
// deleted where it was taken over from the brokers. Other settings stay as they are. The value that failed is kept in
// quarantine: when it comes again, a person decides. A brokers' default that was changed is a person's to change back.
namespace medic::remedies::kafka_restore_configuration {
namespace {

using Json = nlohmann::json;

// As long as a change counts as the reason of a fault; see next_topic_settings_after.
constexpr Duration suspect_for{15 * 60'000};
// Settings are read every third look: the fault may be seen before the change.
constexpr Duration look_skew{30'000};
constexpr Duration seen_within{60'000};
// And the analyzer takes its word back at a look after that.
constexpr Duration gone_within{2 * 60'000};

enum class Changed : std::uint8_t { raised, lowered };

// Which setting explains which fault, and how it must have been changed for it.
struct Explanation {
    std::string_view cause, setting;
    Changed how;
    bool restores_writes;    // Seen by the cause that goes: whether somebody writes at that moment is up to them.
    bool data_goes_by_undo;  // To set it again would delete records.
};
constexpr std::array explanations{
    Explanation{"kafka.writes-refused", "min.insync.replicas", Changed::raised, true, false},
    Explanation{"kafka.retention-overtakes-reader", "retention.ms", Changed::lowered, false, true},
    Explanation{"kafka.retention-overtakes-reader", "retention.bytes", Changed::lowered, false, true},
};

struct Change {
    std::map<std::string, std::string> was, is;
    std::map<std::string, std::optional<std::string>> back, forth;
    std::vector<std::string> of_brokers;
    WallTime changed_at;
    std::size_t changes = 0;
    bool worked = false;
};

FactKey change_of(const Subject& topic) { return {topic, "settings_change"}; }

std::vector<FactKey> needs(const Diagnosis& diagnosis, const PlanningView&) {
    return {change_of(subject_in(diagnosis, "topic", parameter(diagnosis, "topic").value_or("")))};
}

std::map<std::string, std::optional<std::string>> way_of(const Json& object) {
    std::map<std::string, std::optional<std::string>> all;
    for (const auto& [name, value] : object.items())
        all[name] = value.is_null() ? std::nullopt : std::optional(value.get<std::string>());
    return all;
}

Result<Change> read(const std::string& text, const std::string& topic) {
    try {
        const Json told = Json::parse(text);
        return Change{.was = told.at("was").get<std::map<std::string, std::string>>(),
                      .is = told.at("is").get<std::map<std::string, std::string>>(),
                      .back = way_of(told.at("back")),
                      .forth = way_of(told.at("forth")),
                      .of_brokers = told.at("of_brokers").get<std::vector<std::string>>(),
                      .changed_at = {told.at("changed_at").get<std::int64_t>()},
                      .changes = told.at("changes").get<std::size_t>(),
                      .worked = told.at("worked").get<bool>()};
    } catch (const Json::exception&) {
        return fail(ErrorCode::internal, "what was changed of topic {} can't be read", topic);
    }
}

// The change that is known, where its time fits.
Result<Change> suspect(const Diagnosis& diagnosis, const PlanningView& view, const Subject& topic) {
    const std::string told_change = told(view, change_of(topic));
    if (told_change.empty()) return fail(ErrorCode::not_ready, "the settings of topic {} are not known", topic.name);
    if (told_change == "unknown")
        return fail(ErrorCode::invalid, "topic {} has not been seen to work: there is nothing to go back to",
                    topic.name);
    if (told_change == settings_unchanged)
        return fail(ErrorCode::invalid, "the settings of topic {} are those under which it worked", topic.name);
    MEDIC_TRY(Change change, read(told_change, topic.name));
    if (change.changed_at.unix_ms == 0)
        return fail(ErrorCode::invalid, "the settings of topic {} were changed while nobody looked", topic.name);
    if (!change.worked)
        return fail(ErrorCode::invalid, "topic {} was not written to before its settings were changed", topic.name);
    if (diagnosis.since < change.changed_at - look_skew)
        return fail(ErrorCode::invalid, "the settings of topic {} were changed after the fault had begun", topic.name);
    if (diagnosis.since - change.changed_at > suspect_for)
        return fail(ErrorCode::invalid, "the settings of topic {} were changed {} min before the fault", topic.name,
                    (diagnosis.since - change.changed_at).count() / 60'000);
    return change;
}

std::optional<double> amount(const std::string& text) {
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    // Kafka's word for no limit.
    return value == -1 ? std::numeric_limits<double>::infinity() : value;
}

// Those of the changed settings that explain the fault.
Result<std::vector<Explanation>> culprits(const Diagnosis& diagnosis, const Change& change, const Subject& topic) {
    std::vector<Explanation> found;
    for (const Explanation& one : explanations) {
        const std::string setting(one.setting);
        if (one.cause != diagnosis.cause || !change.was.contains(setting) || !change.is.contains(setting)) continue;
        const auto was = amount(change.was.at(setting)), is = amount(change.is.at(setting));
        if (!was || !is) continue;
        if (one.how == Changed::raised ? *is <= *was : *is >= *was) continue;
        if (std::ranges::find(change.of_brokers, setting) != change.of_brokers.end())
            return fail(
                ErrorCode::invalid,
                "{} of topic {} follows a setting of its brokers that was changed: a person must change it back",
                setting, topic.name);
        found.push_back(one);
    }
    if (found.empty())
        return fail(ErrorCode::invalid, "no setting of topic {} was changed that explains this", topic.name);
    return found;
}

std::string values(const std::vector<Explanation>& all, const std::map<std::string, std::string>& of) {
    std::string text;
    for (const Explanation& one : all)
        text += fmt::format("{}{}={}", text.empty() ? "" : ", ", one.setting, of.at(std::string(one.setting)));
    return text;
}

Step change_to(const Subject& topic, const std::vector<Explanation>& all,
               const std::map<std::string, std::optional<std::string>>& way,
               const std::map<std::string, std::string>& to) {
    AlterConfigs alter{.resource = AlterConfigs::Resource::topic, .name = topic.name, .set = {}};
    Step step{.subject = topic, .text = {}, .operation = {}};
    for (const Explanation& one : all) {
        const std::string setting(one.setting);
        alter.set[setting] = way.at(setting);
        step.done.push_back(text_in(topic, setting, {to.at(setting)}));
    }
    step.operation = std::move(alter);
    step.idempotent = true;
    step.skip_if = step.done;
    step.expectation = {.all = step.done, .within = seen_within};
    step.risk = Risk::reversible;
    step.object = "topic:" + topic.name;
    return step;
}

Result<Plan> plan(const Diagnosis& diagnosis, const PlanningView& view) {
    MEDIC_TRY(const std::string name, parameter(diagnosis, "topic"));
    const Subject topic = subject_in(diagnosis, "topic", name);
    MEDIC_TRY(const Change change, suspect(diagnosis, view, topic));
    MEDIC_TRY(const auto guilty, culprits(diagnosis, change, topic));
    const std::string was = values(guilty, change.was), is = values(guilty, change.is);
    for (const std::string& version : {was, is})
        if (view.quarantined.contains({to_string(topic), version}))
            return fail(ErrorCode::invalid, "{} of topic {} was changed back before: a person must say what is right",
                        version, name);
    Step back = change_to(topic, guilty, change.back, change.was);
    back.text = fmt::format("change topic {} back to {}", name, was);
    back.undo = fmt::format("set {} again", is);
    bool data_goes_by_undo = false;
    for (const Explanation& one : guilty) {
        back.precondition.push_back(text_in(topic, std::string(one.setting), {change.is.at(std::string(one.setting))}));
        if (one.restores_writes) back.expectation.cause_gone = true;
        data_goes_by_undo = data_goes_by_undo || one.data_goes_by_undo;
    }
    if (back.expectation.cause_gone) back.expectation.within = gone_within;
    Plan result;
    result.summary = fmt::format("{} of topic {} explains it, and was {} until lately: change it back", is, name, was);
    if (change.changes > 1)
        result.needs_approval =
            fmt::format("its settings were changed {} times since it last worked for long", change.changes);
    result.quarantine = Quarantine{topic.cluster, to_string(topic), is};
    result.steps = {back};
    if (data_goes_by_undo) return result;  // A person's to set again, who knows what that deletes.
    Step forth = change_to(topic, guilty, change.forth, change.is);
    forth.text = fmt::format("set {} of topic {} again", is, name);
    forth.undo = fmt::format("change it back to {}", was);
    for (const Explanation& one : guilty) {  // Whatever else somebody has set meanwhile stays.
        const std::string setting(one.setting);
        forth.precondition.push_back(text_in(topic, setting, {change.was.at(setting), change.is.at(setting)}));
    }
    result.undo_steps = {forth};
    return result;
}

}  // namespace

Remedy descriptor() {
    return {.name = "kafka.restore-configuration",
            .what = "changes a topic's setting back to the value under which it last worked",
            .destroys = Destroys::nothing,
            .cures = {{"kafka.retention-overtakes-reader", 2}, {"kafka.writes-refused", 2}},
            .needs = needs,
            .plan = plan};
}

}  // namespace medic::remedies::kafka_restore_configuration

#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/api/incident_view.h"
#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/base/plain_text.h"
#include "agent/cli/api_client_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/terminal.h"
#include "agent/loop/incident_codec.h"
#include "agent/loop/replay.h"
#include "remediations/remedies/remedies.h"

namespace medic::cli {
namespace {

struct Options {
    AgentAddress agent;
    std::string id, output = "text", verdict, reason;
};

// One incident, or the list of all. Something else than an agent may answer there, and say 200 too.
Result<Json> read_answer(const std::string& body, bool one) {
    Json answer = foreign_json(body);
    if (one ? text_of(answer, "id").empty() : !json_part(answer, "incidents").is_array())
        return fail(ErrorCode::invalid, "the answer can't be read: expected {}, as `medic agent` tells {}",
                    one ? "an incident" : "a list of incidents", one ? "it" : "them");
    return answer;
}

// What stands in the journal's own columns, where the rest of a row can't be read: it must not be missing in the list.
Json unreadable(const IncidentRow& row, const std::string& why) {
    return {{"id", row.id},
            {"cluster", row.cluster},
            {"state", row.state},
            {"opened_at", rfc3339(row.opened_at)},
            {"diagnosis", {{"cause", row.cause}, {"side", row.side}, {"summary", row.summary + " (" + why + ")"}}}};
}

// From the agent, or from its journal when it is down.
Result<Json> fetch(const Options& options, const std::string& id) {
    const auto reply = call_api(options.agent, "GET", "/api/v1/incidents" + (id.empty() ? "" : "/" + id));
    if (reply && reply->status == 200) return read_answer(reply->body, !id.empty());
    if (reply && reply->status == 404) return fail(ErrorCode::invalid, "no incident {}", id);
    if (reply) return fail(ErrorCode::not_ready, "{}", error_of(*reply));
    MEDIC_TRY(const std::string path, journal_path(options.agent));
    auto opened = Journal::open_read_only(path);
    if (!opened)
        return fail(opened.error().code, "no agent answers ({}), and its journal can't be read: {}",
                    reply.error().message, opened.error().message);
    const auto& journal = *opened;
    fmt::print(stderr, "{}\n", paint("no agent answers; reading its journal", Tone::faint, Stream::errors));
    if (!id.empty()) {
        MEDIC_TRY(const IncidentRow row, journal->incident(id));
        MEDIC_TRY(const Incident incident, from_row(row));
        return Json::parse(incident_json(incident), nullptr, false);
    }
    constexpr std::size_t newest_max = 100;
    MEDIC_TRY(const auto rows, journal->incidents(newest_max));
    Json all = Json::array();
    for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
        const auto incident = from_row(*row);
        Json one = incident ? Json::parse(incident_json(*incident), nullptr, false)
                            : unreadable(*row, incident.error().message);
        one.erase("schema");
        all.push_back(std::move(one));
    }
    return Json{{"schema", 1}, {"incidents", std::move(all)}};
}

std::string line(const Json& incident) {
    const Json& diagnosis = json_part(incident, "diagnosis");
    const std::string state = text_of(incident, "state");
    const Tone tone = state == "resolved" || state == "healed" ? Tone::good
                      : state == "escalated"                   ? Tone::bad
                                                               : Tone::warn;
    const auto plain = [](const Json& of, const char* key) { return plain_line(text_of(of, key)); };
    return fmt::format("{:<6} {} {:<16} {:<10} {:<8} {}\n", plain(incident, "id"), plain(incident, "opened_at"),
                       paint(fmt::format("{:<16}", state), tone), plain(incident, "cluster"), plain(diagnosis, "side"),
                       plain(diagnosis, text_of(diagnosis, "summary").empty() ? "cause" : "summary"));
}

int list(const Options& options) {
    const auto all = fetch(options, "");
    if (!all) return complain(all.error().message, exit_problem);
    if (options.output == "json") {
        fmt::print("{}\n", all->dump(2));
        return exit_ok;
    }
    const Json& incidents = json_part(*all, "incidents");
    if (incidents.empty()) fmt::print("No incidents.\n");
    for (const Json& one : incidents) print_text(line(one));
    return exit_ok;
}

int show(const Options& options) {
    const auto one = fetch(options, options.id);
    if (!one) return complain(one.error().message, exit_problem);
    if (options.output == "json") {
        fmt::print("{}\n", one->dump(2));
        return exit_ok;
    }
    print_text(line(*one));
    const Json& diagnosis = json_part(*one, "diagnosis");
    print_text(fmt::format("  cause {} · owner {}\n", text_of(diagnosis, "cause"), text_of(diagnosis, "owner")));
    if (const std::string first = text_of(*one, "first_failure"); !first.empty())
        print_text(fmt::format("{}\n  {}\n", paint("First failure", Tone::strong), plain_text(first)));
    print_text(paint("Story", Tone::strong) + "\n");
    for (const Json& entry : json_part(*one, "story"))
        print_text(plain_text(fmt::format("  {} {}\n", text_of(entry, "at"), text_of(entry, "text"))));
    return exit_ok;
}

int replay_incident(const Options& options) {
    const auto path = journal_path(options.agent);
    if (!path) return complain(path.error().message, exit_problem);
    const auto journal = Journal::open_read_only(*path);
    if (!journal) return complain(journal.error().message, exit_problem);
    const Guards guards(guards::all_guards());
    const Planner planner(remedies::all_remedies());
    const auto decisions = replay(**journal, options.id, guards, planner);
    if (!decisions) return complain(decisions.error().message, exit_problem);
    if (decisions->empty()) {
        const auto known = (*journal)->incident(options.id);
        return known ? complain(options.id + ": no decision of it is kept, nothing to ask again", exit_cannot_tell)
                     : complain(known.error().message, exit_problem);
    }
    bool same = true;
    for (const ReplayedDecision& one : *decisions) {
        same = same && one.same;
        print_text(fmt::format("{} {} {}: {}\n",
                               paint(one.same ? "same" : "DIFFERENT", one.same ? Tone::good : Tone::bad),
                               rfc3339(one.recorded.at), one.recorded.kind, plain_text(one.recorded.text)));
        if (!one.same) print_text(fmt::format("  then {}\n  now  {}\n", one.recorded.verdict, one.replayed));
    }
    fmt::print("{} decision(s), {}\n", decisions->size(),
               same ? "all decided the same way" : "some would be decided differently now");
    return same ? exit_ok : exit_problem;
}

}  // namespace

void add_incidents(CLI::App& app, Context& context) {
    CLI::App* command = add(app, on_call, "incidents", "List and explain incidents, replay decisions, judge diagnoses",
                            "  medic incidents\n  medic incidents I17\n  medic incidents replay I17\n  medic incidents "
                            "verdict I17 wrong --reason 'it was the network'");
    static Options options;
    options.agent.add_options(*command);
    command->add_option("ID", options.id, "One incident; all of them without it");
    command->add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
    command->require_subcommand(0, 1);
    command->callback([&context, command] {
        if (!command->get_subcommands().empty()) return;
        context.exit_code = options.id.empty() || options.id == "list" ? list(options) : show(options);
    });
    command->add_subcommand("list", "All incidents")->callback([&context] { context.exit_code = list(options); });
    CLI::App* replayed = command->add_subcommand("replay", "Ask every recorded question again and compare the answers");
    replayed->add_option("ID", options.id, "The incident")->required();
    replayed->callback([&context] { context.exit_code = replay_incident(options); });
    CLI::App* verdict = command->add_subcommand("verdict", "Say whether the diagnosis was right");
    verdict->add_option("ID", options.id, "The incident")->required();
    verdict->add_option("VERDICT", options.verdict, "right or wrong")
        ->required()
        ->check(CLI::IsMember({"right", "wrong"}));
    verdict->add_option("--reason", options.reason, "Why");
    verdict->callback([&context] {
        const std::string body = Json{{"verdict", options.verdict}, {"reason", options.reason}}.dump(
            -1, ' ', false, Json::error_handler_t::replace);
        context.exit_code =
            print_outcome(call_api(options.agent, "POST", "/api/v1/incidents/" + options.id + "/verdict", body),
                          options.id + ": noted as " + options.verdict);
    });
}

}  // namespace medic::cli

#include <fmt/core.h>
#include <fmt/format.h>

#include "agent/api/incident_view.h"
#include "agent/api/json_internal.h"
#include "agent/base/foreign_json_internal.h"
#include "agent/base/plain_text.h"
#include "agent/cli/api_client_internal.h"
#include "agent/cli/command_internal.h"
#include "agent/cli/incident_text_internal.h"
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

// What is told, and of how many incidents only the journal's own columns could be read.
struct Told {
    Json document;
    std::size_t unread = 0;
};

// One incident, or the list of all. Something else than an agent may answer there, and say 200 too.
Result<Json> read_answer(const std::string& body, bool one) {
    Json answer = foreign_json(body);
    if (one ? text_of(answer, "id").empty() : !json_part(answer, "incidents").is_array())
        return fail(ErrorCode::not_ready, "the answer can't be read: expected {}, as `medic agent` tells {}",
                    one ? "an incident" : "a list of incidents", one ? "it" : "them");
    return answer;
}

// What stands in the journal's own columns, where the rest of a row can't be read: it must not be missing in the list.
Json from_columns(const IncidentRow& row, const std::string& why) {
    return {{"id", row.id},
            {"cluster", row.cluster},
            {"state", row.state},
            {"opened_at", rfc3339(row.opened_at)},
            {"diagnosis", {{"cause", row.cause}, {"side", row.side}, {"summary", row.summary + " (" + why + ")"}}}};
}

// The incident as the agent would tell it.
Json told_of(const IncidentRow& row, std::size_t& unread) {
    const auto incident = from_row(row);
    unread += incident ? 0 : 1;
    return incident ? Json::parse(incident_json(*incident), nullptr, false)
                    : from_columns(row, incident.error().message);
}

Result<Told> from_journal(const Options& options, const std::string& id) {
    MEDIC_TRY(const std::string path, journal_path(options.agent));
    MEDIC_TRY(const auto journal, Journal::open_read_only(path));
    Told told;
    if (!id.empty()) {
        MEDIC_TRY(const IncidentRow row, journal->incident(id));
        told.document = told_of(row, told.unread);
        return told;
    }
    constexpr std::size_t newest_max = 100;
    MEDIC_TRY(const auto rows, journal->incidents(newest_max));
    Json all = Json::array();
    for (const IncidentRow& row : rows) {
        Json one = told_of(row, told.unread);
        one.erase("schema");
        all.push_back(std::move(one));
    }
    told.document = Json{{"schema", 1}, {"incidents", std::move(all)}};
    return told;
}

// From the agent, or from its journal when it is down. invalid: neither can be asked as it was called.
Result<Told> fetch(const Options& options, const std::string& id) {
    const auto reply = call_api(options.agent, "GET", "/api/v1/incidents" + (id.empty() ? "" : "/" + id));
    if (reply && reply->status == 200) {
        MEDIC_TRY(Json answer, read_answer(reply->body, !id.empty()));
        return Told{std::move(answer), 0};
    }
    if (reply && reply->status == 404 && !id.empty()) return fail(ErrorCode::not_ready, "no incident {}", id);
    if (reply) return fail(ErrorCode::not_ready, "{}", error_of(*reply));
    if (reply.error().code == ErrorCode::invalid) return std::unexpected(reply.error());
    if (!options.agent.url.empty()) return fail(ErrorCode::unavailable, "no agent answers: {}", reply.error().message);
    auto told = from_journal(options, id);
    if (!told)
        return fail(ErrorCode::unavailable, "no agent answers ({}), and its journal does not tell: {}",
                    reply.error().message, told.error().message);
    fmt::print(stderr, "{}\n", paint("no agent answers; reading its journal", Tone::faint, Stream::errors));
    return told;
}

int refused(const Error& error) {
    return complain(error.message, error.code == ErrorCode::invalid ? exit_usage : exit_problem);
}

void print_json(const Json& document) {
    fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
}

// The exit code for what was told.
int ending(const Told& told) {
    if (told.unread == 0) return exit_ok;
    return complain(
        fmt::format("{} record(s) of the journal can't be read: of these only its columns are told", told.unread),
        exit_cannot_tell);
}

int list(const Options& options) {
    const auto told = fetch(options, "");
    if (!told) return refused(told.error());
    if (options.output == "json") {
        print_json(told->document);
        return ending(*told);
    }
    const Json& incidents = json_part(told->document, "incidents");
    if (incidents.empty()) fmt::print("No incidents.\n");
    for (const Json& one : incidents) print_text(incident_line(one));
    return ending(*told);
}

int show(const Options& options) {
    const auto told = fetch(options, options.id);
    if (!told) return refused(told.error());
    if (options.output == "json")
        print_json(told->document);
    else
        print_text(incident_text(told->document));
    return ending(*told);
}

int replay_incident(const Options& options) {
    const auto path = journal_path(options.agent);
    if (!path) return refused(path.error());
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
    options = {};  // A process may call it more than once.
    options.agent.add_options(*command);
    command->add_option("ID", options.id, "One incident; all of them without it");
    command->add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
    command->require_subcommand(0, 1);
    command->callback([&context, command] {
        if (!command->get_subcommands().empty()) return;
        context.exit_code = options.id.empty() || options.id == "list" ? list(options) : show(options);
    });
    CLI::App* listed = command->add_subcommand("list", "All incidents");
    listed->add_option("-o,--output", options.output, "text or json")->check(CLI::IsMember({"text", "json"}));
    listed->callback([&context] { context.exit_code = list(options); });
    CLI::App* replayed = command->add_subcommand("replay", "Ask every recorded question again and compare the answers");
    replayed->add_option("ID", options.id, "The incident")->required();
    replayed->callback([&context] { context.exit_code = replay_incident(options); });
    CLI::App* verdict = command->add_subcommand("verdict", "Say whether the diagnosis was right");
    verdict->add_option("ID", options.id, "The incident")->required();
    verdict->add_option("VERDICT", options.verdict, "right or wrong")
        ->required()
        ->check(CLI::IsMember({"right", "wrong"}));
    verdict->add_option("--reason", options.reason, "Why");
    // Not by fallthrough(): it would take a second ID for the list's.
    for (CLI::App* one : {listed, replayed, verdict}) options.agent.add_options(*one);
    verdict->callback([&context] {
        const std::string body = Json{{"verdict", options.verdict}, {"reason", options.reason}}.dump(
            -1, ' ', false, Json::error_handler_t::replace);
        context.exit_code =
            print_outcome(call_api(options.agent, "POST", "/api/v1/incidents/" + options.id + "/verdict", body),
                          options.id + ": noted as " + options.verdict);
    });
}

}  // namespace medic::cli

#include "agent/cli/diagnose_file.h"

#include <fmt/format.h>

#include "agent/cli/command_internal.h"
#include "agent/cli/diagnose_text.h"
#include "agent/cli/input.h"
#include "agent/cli/table.h"
#include "agent/cli/terminal.h"
#include "agent/config/config.h"
#include "agent/daemon/owners.h"
#include "classifiers/diagnosis/classifier.h"
#include "classifiers/diagnosis/trace/trace.h"

namespace medic::cli {
namespace {

// What was not looked at; "" where all was.
std::string unread_of(const TailText& tail, const Classification& said) {
    if (tail.is_cut())
        return fmt::format("only the last {} bytes of {} were read", number_text(static_cast<double>(tail.text.size())),
                           number_text(static_cast<double>(tail.bytes)));
    return said.truncated ? "too long to be looked at whole: a part of its lines was left out" : "";
}

}  // namespace

int diagnose_text_file(const TextFile& what) {
    Config config;
    if (!what.config.empty()) {
        auto loaded = load_config_file(what.config);
        if (!loaded) return complain(loaded.error().message, exit_usage);
        config = *std::move(loaded);
    }
    const auto tail = read_tail(what.file, TraceLimits{}.text_bytes_max);
    if (!tail)
        return complain(tail.error().message,
                        tail.error().code == ErrorCode::not_ready ? exit_cannot_tell : exit_usage);
    auto catalogue = what.rules.empty() ? Catalogue::load_embedded() : Catalogue::load_directory(what.rules);
    if (!catalogue) return complain(catalogue.error().message, exit_usage);
    const Classifier classifier{*std::move(catalogue)};
    TextVerdict verdict{.said = classifier.classify_text(tail->text, Component::unknown), .owner = {}, .unread = {}};
    verdict.unread = unread_of(*tail, verdict.said);
    if (const Cause* cause = classifier.catalogue().find(verdict.said.cause); cause != nullptr)
        verdict.owner = owner_of_text(config, cause->owner, tail->text);
    const bool as_text = what.output == "text" || what.output == "wide";
    print_as(what.output, as_text ? text_of(verdict) : json_of(verdict, what.output == "yaml"));
    return verdict.said.cause.empty() ? exit_cannot_tell : exit_problem;
}

}  // namespace medic::cli

#include <fmt/format.h>

#include "remediations/guards/guard.h"

// What an operator, Terraform or a pipeline defines is not changed behind its back: it would be set back at its next
// look, or the two would fight. The change is proposed to a person instead. A plan that needs such a change later is
// not begun either: it would stop in the middle.
namespace medic::guards::managed_elsewhere {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (question.managed.empty() || question.plan_begun || question.undo) return std::nullopt;
    std::string why;
    for (const auto& one : question.managed) {
        if (one.by.empty())
            return Refusal{"managed-elsewhere",
                           "who defines " + one.object + " is not known: its cluster is not in the configuration",
                           Refusal::Kind::wait,
                           {}};
        why += fmt::format("{}{} is managed by {}, {}; proposed there: {}", why.empty() ? "" : " and ", one.object,
                           one.by, one.restart ? "which restarts it itself" : "which defines it", one.proposal);
    }
    return Refusal{"managed-elsewhere", why, Refusal::Kind::never, {}};
}

}  // namespace

Guard descriptor() { return {"managed-elsewhere", "what another system defines is only proposed to a person", object}; }

}  // namespace medic::guards::managed_elsewhere

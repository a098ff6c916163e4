#include "remediations/guards/guard.h"

// No durable record, no act: a full, read-only or broken disk stops healing and never observing.
namespace medic::guards::journal {
namespace {

std::optional<Refusal> object(const GuardQuestion& question) {
    if (question.journal_writable) return std::nullopt;
    return Refusal{
        "journal", "the journal can't be written: see the agent's log for disk and path", Refusal::Kind::wait, {}};
}

}  // namespace

Guard descriptor() { return {"journal", "the intent can be made durable", object}; }

}  // namespace medic::guards::journal

// What a sidecar was asked to do, durable before it does it and again when it has: so that no key runs twice, whatever
// is sent again and whenever the process dies, and no order of an agent that has lost its lease is obeyed. An SQLite
// file. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "agent/base/result.h"
#include "agent/base/time.h"

namespace medic {

struct BookedOperation {
    std::string key;  // With its sender: "3f…/I17/2/1".
    std::string cluster, node, action;
    std::string values;  // All that its command is filled with, as one text: the same key must mean the same.
    std::uint64_t fencing_token = 0;
};

// How an operation ended. nullopt: it has not, as far as was written down.
using BookedOutcome = std::optional<Result<std::string>>;

class OperationBook {
public:
    struct Options {
        std::string path;
        std::int64_t operations_max = 10'000;  // The oldest are forgotten first.
    };
    // Errors: unavailable (the file can't be opened or written).
    [[nodiscard]] static Result<OperationBook> open(Options options);
    OperationBook(OperationBook&&) noexcept;
    OperationBook& operator=(OperationBook&&) noexcept;
    ~OperationBook();

    struct Admitted {
        bool known = false;     // Not to be run: it was begun before …
        BookedOutcome outcome;  // … and ended like this.
    };
    // Durable when it returns. Errors: invalid (the key is known for something else), not_ready (its fencing token is
    // below one that the cluster has seen), unavailable (it can't be written: nothing may run).
    [[nodiscard]] Result<Admitted> admit(const BookedOperation& operation, WallTime now);
    [[nodiscard]] Status finish(const BookedOperation& operation, const Result<std::string>& outcome, WallTime now);

private:
    struct State;
    explicit OperationBook(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace medic

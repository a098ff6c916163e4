#include "agent/node/operation_book.h"

#include "agent/sqlite/sqlite.h"

namespace medic {

using sqlite::Database;
using sqlite::Statement;

struct OperationBook::State {
    State(Options options_in, Database database_in)
        : options(std::move(options_in)), database(std::move(database_in)) {}

    Options options;
    Database database;

    [[nodiscard]] Result<std::optional<Admitted>> known(const BookedOperation& operation) const;
    [[nodiscard]] Status check_token(const BookedOperation& operation) const;
    [[nodiscard]] Status write(const BookedOperation& operation, WallTime now) const;
    [[nodiscard]] Result<Admitted> admit(const BookedOperation& operation, WallTime now) const;
};

namespace {

// The codes that an outcome may have; 0: done.
std::int64_t code_of(const Result<std::string>& outcome) {
    if (outcome) return 0;
    switch (outcome.error().code) {
        case ErrorCode::invalid: return 1;
        case ErrorCode::not_ready: return 2;
        case ErrorCode::unavailable: return 3;
        default: return 4;
    }
}

Result<std::string> outcome_of(std::int64_t code, std::string text) {
    constexpr ErrorCode codes[] = {ErrorCode::outcome_unknown, ErrorCode::invalid, ErrorCode::not_ready,
                                   ErrorCode::unavailable};
    if (code == 0) return text;
    return fail(code >= 1 && code <= 3 ? codes[code] : ErrorCode::outcome_unknown, "{}", text);
}

constexpr const char* tables =
    "CREATE TABLE IF NOT EXISTS operation (number INTEGER PRIMARY KEY AUTOINCREMENT, cluster TEXT NOT NULL, key TEXT "
    "NOT NULL, node TEXT NOT NULL, action TEXT NOT NULL, filled TEXT NOT NULL, token INTEGER NOT NULL, begun_ms "
    "INTEGER "
    "NOT NULL, ended_ms INTEGER NOT NULL DEFAULT 0, code INTEGER NOT NULL DEFAULT 0, said TEXT NOT NULL DEFAULT '', "
    "UNIQUE (cluster, key));"
    "CREATE TABLE IF NOT EXISTS fence (cluster TEXT PRIMARY KEY, token INTEGER NOT NULL)";

}  // namespace

OperationBook::OperationBook(std::unique_ptr<State> state) : state_(std::move(state)) {}
OperationBook::OperationBook(OperationBook&&) noexcept = default;
OperationBook& OperationBook::operator=(OperationBook&&) noexcept = default;
OperationBook::~OperationBook() = default;

Result<OperationBook> OperationBook::open(Options options) {
    MEDIC_TRY(Database database, Database::open("operations", options.path, Database::Access::read_write));
    // FULL: what was begun is known after a power failure, too.
    MEDIC_CHECK(database.execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"));
    MEDIC_CHECK(database.execute(tables));
    return OperationBook(std::make_unique<State>(std::move(options), std::move(database)));
}

Result<std::optional<OperationBook::Admitted>> OperationBook::State::known(const BookedOperation& operation) const {
    MEDIC_TRY(auto row, Statement::prepare(database,
                                           "SELECT node, action, filled, ended_ms, code, said FROM operation "
                                           "WHERE cluster = ?1 AND key = ?2"));
    row.bind(1, operation.cluster);
    row.bind(2, operation.key);
    MEDIC_TRY(const bool there, row.step());
    if (!there) return std::optional<Admitted>();
    if (row.text(0) != operation.node || row.text(1) != operation.action || row.text(2) != operation.values)
        return fail(ErrorCode::invalid, "key {} is known for another operation: {} of {}", operation.key, row.text(1),
                    row.text(0));
    Admitted admitted{.known = true, .outcome = {}};
    if (row.integer(3) != 0) admitted.outcome = outcome_of(row.integer(4), row.text(5));
    return std::optional(std::move(admitted));
}

Status OperationBook::State::check_token(const BookedOperation& operation) const {
    MEDIC_TRY(auto row, Statement::prepare(database, "SELECT token FROM fence WHERE cluster = ?1"));
    row.bind(1, operation.cluster);
    MEDIC_TRY(const bool there, row.step());
    const auto highest = there ? static_cast<std::uint64_t>(row.integer(0)) : 0;
    if (operation.fencing_token < highest)
        return fail(ErrorCode::not_ready,
                    "fencing token {} is older than {}, which cluster {} has seen here: another agent has taken over; "
                    "where leases began anew, stop this sidecar and remove {}",
                    operation.fencing_token, highest, operation.cluster, options.path);
    return {};
}

Status OperationBook::State::write(const BookedOperation& operation, WallTime now) const {
    MEDIC_TRY(auto row, Statement::prepare(database,
                                           "INSERT INTO operation (cluster, key, node, action, filled, token, "
                                           "begun_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"));
    row.bind(1, operation.cluster);
    row.bind(2, operation.key);
    row.bind(3, operation.node);
    row.bind(4, operation.action);
    row.bind(5, operation.values);
    row.bind(6, static_cast<std::int64_t>(operation.fencing_token));
    row.bind(7, now.unix_ms);
    MEDIC_CHECK(row.step());
    MEDIC_TRY(auto fence, Statement::prepare(database,
                                             "INSERT INTO fence (cluster, token) VALUES (?1, ?2) ON CONFLICT "
                                             "(cluster) DO UPDATE SET token = max(token, ?2)"));
    fence.bind(1, operation.cluster);
    fence.bind(2, static_cast<std::int64_t>(operation.fencing_token));
    MEDIC_CHECK(fence.step());
    MEDIC_TRY(auto old, Statement::prepare(database,
                                           "DELETE FROM operation WHERE number <= (SELECT max(number) FROM "
                                           "operation) - ?1"));
    old.bind(1, options.operations_max);
    MEDIC_CHECK(old.step());
    return {};
}

Result<OperationBook::Admitted> OperationBook::State::admit(const BookedOperation& operation, WallTime now) const {
    MEDIC_TRY(std::optional<Admitted> before, known(operation));
    if (before) return *std::move(before);
    MEDIC_CHECK(check_token(operation));
    MEDIC_CHECK(write(operation, now));
    return Admitted{};
}

Result<OperationBook::Admitted> OperationBook::admit(const BookedOperation& operation, WallTime now) {
    MEDIC_CHECK(state_->database.execute("BEGIN IMMEDIATE"));
    auto admitted = state_->admit(operation, now);
    const bool wrote = admitted && !admitted->known;
    if (const Status ended = state_->database.execute(wrote ? "COMMIT" : "ROLLBACK"); wrote && !ended) {
        (void)state_->database.execute("ROLLBACK");
        return std::unexpected(ended.error());
    }
    return admitted;
}

Status OperationBook::finish(const BookedOperation& operation, const Result<std::string>& outcome, WallTime now) {
    MEDIC_TRY(auto row, Statement::prepare(state_->database,
                                           "UPDATE operation SET ended_ms = ?3, code = ?4, said = ?5 "
                                           "WHERE cluster = ?1 AND key = ?2"));
    row.bind(1, operation.cluster);
    row.bind(2, operation.key);
    row.bind(3, now.unix_ms);
    row.bind(4, code_of(outcome));
    row.bind(5, outcome ? *outcome : outcome.error().message);
    MEDIC_CHECK(row.step());
    return {};
}

}  // namespace medic

// A thin, checked wrapper over SQLite's C API: connection, statement, error with file name. It knows no table: who
// keeps something in a file (the journal, the leases) writes its own SQL. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "agent/base/result.h"
#include "agent/base/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace medic::sqlite {

class Database {
public:
    enum class Access : std::uint8_t { read_only, read_write };  // read_write makes the file where it is missing.
    // `what` names the file's purpose in messages: "journal". Errors: unavailable.
    [[nodiscard]] static Result<Database> open(const std::string& what, const std::string& path, Access access);
    Database(Database&& other) noexcept
        : handle_(std::exchange(other.handle_, nullptr)), name_(std::move(other.name_)) {}
    Database& operator=(Database&&) = delete;
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;
    ~Database();

    [[nodiscard]] Status execute(const char* sql) const;
    [[nodiscard]] sqlite3* handle() const { return handle_; }
    [[nodiscard]] std::unexpected<Error> error(std::string_view doing) const;

private:
    Database(sqlite3* handle, std::string name) : handle_(handle), name_(std::move(name)) {}
    sqlite3* handle_;
    std::string name_;  // "journal /var/lib/medic/journal.db"
};

class Statement {
public:
    [[nodiscard]] static Result<Statement> prepare(const Database& database, const std::string& sql);
    Statement(Statement&& other) noexcept
        : database_(other.database_), handle_(std::exchange(other.handle_, nullptr)) {}
    Statement& operator=(Statement&&) = delete;
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;
    ~Statement();

    void bind(int index, std::string_view text);
    void bind(int index, std::int64_t value);
    [[nodiscard]] Result<bool> step();  // true: a row is there.
    void reset();

    [[nodiscard]] std::string text(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;

private:
    Statement(const Database& database, sqlite3_stmt* handle) : database_(&database), handle_(handle) {}
    const Database* database_;
    sqlite3_stmt* handle_;
};

}  // namespace medic::sqlite

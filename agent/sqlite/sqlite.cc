#include "agent/sqlite/sqlite.h"

#include <sqlite3.h>

namespace medic::sqlite {

std::unexpected<Error> Database::error(std::string_view doing) const {
    return fail(ErrorCode::unavailable, "{}: {}: {}", name_, doing, sqlite3_errmsg(handle_));
}

Result<Database> Database::open(const std::string& what, const std::string& path, Access access) {
    sqlite3* handle = nullptr;
    const int flags = access == Access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, nullptr);
    Database database(handle, what + " " + path);
    if (code != SQLITE_OK) return database.error("can't be opened");
    sqlite3_busy_timeout(handle, 2'000);  // A reader's checkpoint; the writer is alone.
    return database;
}

Status Database::execute(const char* sql) const {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return error("can't be written");
    return {};
}

Result<Statement> Statement::prepare(const Database& database, const std::string& sql) {
    sqlite3_stmt* handle = nullptr;
    if (sqlite3_prepare_v2(database.handle(), sql.c_str(), static_cast<int>(sql.size()), &handle, nullptr) != SQLITE_OK)
        return database.error("can't be read");
    return Statement(database, handle);
}

Database::~Database() { sqlite3_close_v2(handle_); }
Statement::~Statement() { sqlite3_finalize(handle_); }

void Statement::bind(int index, std::string_view text) {
    sqlite3_bind_text(handle_, index, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}
void Statement::bind(int index, std::int64_t value) { sqlite3_bind_int64(handle_, index, value); }
void Statement::reset() { sqlite3_reset(handle_), sqlite3_clear_bindings(handle_); }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

Result<bool> Statement::step() {
    const int code = sqlite3_step(handle_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return database_->error("failed");
}

std::string Statement::text(int column) const {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
    return bytes == nullptr ? std::string()
                            : std::string(bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column)));
}

}  // namespace medic::sqlite

<?php
// An application with the tables of Laravel's default migrations, its guard and its sessions in the
// database. It reads a request in JSON and writes its answer in JSON.
foreach (['Auth', 'Cookie', 'Database', 'Hashing', 'Session'] as $part) {
    require "Illuminate/$part/autoload.php";
}

use Illuminate\Auth\Authenticatable as Remembered;
use Illuminate\Auth\EloquentUserProvider;
use Illuminate\Auth\SessionGuard;
use Illuminate\Container\Container;
use Illuminate\Contracts\Auth\Authenticatable;
use Illuminate\Contracts\Auth\Guard;
use Illuminate\Cookie\CookieJar;
use Illuminate\Database\Capsule\Manager as Database;
use Illuminate\Database\Eloquent\Model;
use Illuminate\Database\Schema\Blueprint;
use Illuminate\Hashing\BcryptHasher;
use Illuminate\Http\Request;
use Illuminate\Session\DatabaseSessionHandler;
use Illuminate\Session\Store;

$database = new Database();
$database->addConnection([
    'driver' => 'pgsql',
    'host' => getenv('PGHOST'),
    'database' => getenv('PGDATABASE'),
    'username' => getenv('PGUSER'),
    'charset' => 'utf8',
]);
$database->setAsGlobal();
$database->bootEloquent();

class User extends Model implements Authenticatable
{
    use Remembered;

    protected $guarded = [];
}

function migrate($asked)
{
    $schema = Database::schema();
    $schema->create('users', function (Blueprint $table) {
        $table->id();
        $table->string('name');
        $table->string('email')->unique();
        $table->timestamp('email_verified_at')->nullable();
        $table->string('password');
        $table->rememberToken();
        $table->timestamps();
    });
    $schema->create('password_reset_tokens', function (Blueprint $table) {
        $table->string('email')->primary();
        $table->string('token');
        $table->timestamp('created_at')->nullable();
    });
    $schema->create('sessions', function (Blueprint $table) {
        $table->string('id')->primary();
        $table->foreignId('user_id')->nullable()->index();
        $table->string('ip_address', 45)->nullable();
        $table->text('user_agent')->nullable();
        $table->longText('payload');
        $table->integer('last_activity')->index();
    });
}

function signUp($asked)
{
    User::create(['name' => $asked['email'], 'email' => $asked['email'], 'password' => (new BcryptHasher())->make($asked['password'])]);
}

// visit is the guard of a request with cookies, its session and its jar.
function visit($id, $cookies)
{
    $container = new Container();
    $session = new Store('laravel_session', new DatabaseSessionHandler(Database::connection(), 'sessions', 120, $container), $id);
    $session->start();
    $request = Request::create('/', 'GET', [], $cookies);
    $guard = new SessionGuard('web', new EloquentUserProvider(new BcryptHasher(), User::class), $session, $request);
    $guard->setCookieJar($jar = new CookieJar());
    $container->instance(Guard::class, $guard);
    return [$guard, $session, $jar];
}

function signIn($asked)
{
    [$guard, $session, $jar] = visit(null, []);
    if (!$guard->attempt(['email' => $asked['email'], 'password' => $asked['password']], true)) {
        return ['status' => 401];
    }
    $session->save();
    $cookies = [];
    foreach ($jar->getQueuedCookies() as $cookie) {
        $cookies[$cookie->getName()] = $cookie->getValue();
    }
    return ['status' => 200, 'cookie' => json_encode([$session->getId(), $cookies])];
}

// session says whose the session is, or else who is remembered.
function session($asked)
{
    [$guard] = visit(...json_decode($asked['cookie'], true));
    return ['email' => $guard->user()->email ?? ''];
}

$asked = json_decode(file_get_contents('php://stdin'), true);
echo json_encode((object) ($asked['do']($asked) ?? []));

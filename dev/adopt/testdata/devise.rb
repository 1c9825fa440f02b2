# An application with Devise and the columns of its generator, those for locks too. It reads a
# request in JSON and writes its answer in JSON.
require "active_record"
require "devise"
require "devise/orm/active_record"
require "json"

ActiveRecord::Base.establish_connection(
  adapter: "postgresql", host: ENV["PGHOST"], database: ENV["PGDATABASE"], username: ENV["PGUSER"]
)

class User < ActiveRecord::Base
  devise :database_authenticatable, :recoverable, :rememberable, :validatable, :lockable
end if ActiveRecord::Base.connection.table_exists?(:users)

def migrate(_)
  ActiveRecord::Migration.verbose = false
  ActiveRecord::Schema.define do
    create_table :users do |t|
      t.string :email, null: false, default: ""
      t.string :encrypted_password, null: false, default: ""
      t.string :reset_password_token
      t.datetime :reset_password_sent_at
      t.datetime :remember_created_at
      t.integer :failed_attempts, default: 0, null: false
      t.string :unlock_token
      t.datetime :locked_at
      t.timestamps null: false
    end
    add_index :users, :email, unique: true
    add_index :users, :reset_password_token, unique: true
    add_index :users, :unlock_token, unique: true
  end
  {}
end

def sign_up(asked)
  User.create!(email: asked["email"], password: asked["password"])
  {}
end

# sign_in does what Devise's strategy for passwords does, and its hook that remembers.
def sign_in(asked)
  user = User.find_for_database_authentication(email: asked["email"])
  return { status: 401 } unless user&.valid_for_authentication? { user.valid_password?(asked["password"]) }
  return { status: 401 } unless user.active_for_authentication?
  user.remember_me!
  { status: 200, cookie: JSON.generate([User.serialize_into_session(user), User.serialize_into_cookie(user)]) }
end

def session(asked)
  session, remembered = JSON.parse(asked["cookie"])
  user = User.serialize_from_session(*session) || User.serialize_from_cookie(*remembered)
  { email: user&.email || "" }
end

asked = JSON.parse($stdin.read)
answers = { "migrate" => :migrate, "signUp" => :sign_up, "signIn" => :sign_in, "session" => :session }
puts JSON.generate(send(answers.fetch(asked["do"]), asked))

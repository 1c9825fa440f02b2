# An application with the tables and models that `rails generate authentication` makes. It reads a
# request in JSON and writes its answer in JSON.
require "active_record"
require "json"

ActiveRecord::Base.establish_connection(
  adapter: "postgresql", host: ENV["PGHOST"], database: ENV["PGDATABASE"], username: ENV["PGUSER"]
)

class User < ActiveRecord::Base
  has_secure_password
  has_many :sessions, dependent: :destroy
end

class Session < ActiveRecord::Base
  belongs_to :user
end

def migrate(_)
  ActiveRecord::Migration.verbose = false
  ActiveRecord::Schema.define do
    create_table :users do |t|
      t.string :email_address, null: false
      t.string :password_digest, null: false
      t.timestamps
    end
    add_index :users, :email_address, unique: true
    create_table :sessions do |t|
      t.references :user, null: false, foreign_key: true
      t.string :ip_address
      t.string :user_agent
      t.timestamps
    end
  end
  {}
end

def sign_up(asked)
  User.create!(email_address: asked["email"], password: asked["password"])
  {}
end

def sign_in(asked)
  user = User.find_by(email_address: asked["email"])&.authenticate(asked["password"])
  return { status: 401 } unless user
  { status: 200, cookie: user.sessions.create!.id.to_s }
end

def session(asked)
  { email: Session.find_by(id: asked["cookie"])&.user&.email_address || "" }
end

asked = JSON.parse($stdin.read)
answers = { "migrate" => :migrate, "signUp" => :sign_up, "signIn" => :sign_in, "session" => :session }
puts JSON.generate(send(answers.fetch(asked["do"]), asked))

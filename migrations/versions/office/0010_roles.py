"""Give officers their roles: whoever was an officer keeps all that officers could do until now."""

import sqlalchemy as sa
from alembic import op

revision = "office_0010"
down_revision = "office_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("officer", sa.Column("roles", sa.String(120), nullable=False, server_default=""))
    officer = sa.table("officer", sa.column("roles", sa.String), sa.column("role", sa.String))
    roles = "administrator,officer,statistician,custodian,clerk"
    op.execute(officer.update().where(officer.c.role == "officer").values(roles=roles))


def downgrade() -> None:
    op.drop_column("officer", "roles")
